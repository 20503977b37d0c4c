/**
 * The parameters of one call.
 * EC2's Query API flattens structures, counting from 1: `Filter.1.Value.2=x`.
 */
export class Query {
  readonly #params: ReadonlyMap<string, string>;
  readonly #prefix: string;

  constructor(params: ReadonlyMap<string, string>, prefix = '') {
    this.#params = params;
    this.#prefix = prefix;
  }

  static parse(body: string): Query {
    return new Query(new Map(new URLSearchParams(body)));
  }

  has(name: string): boolean {
    return this.#params.has(this.#prefix + name);
  }

  text(name: string): string {
    return this.#params.get(this.#prefix + name) ?? '';
  }

  bool(name: string): boolean {
    return this.text(name) === 'true';
  }

  number(name: string): number | undefined {
    return this.has(name) ? Number(this.text(name)) : undefined;
  }

  /** `NAME.1`, `NAME.2`, … */
  list(name: string): string[] {
    const values: string[] = [];
    while (this.has(`${name}.${values.length + 1}`)) values.push(this.text(`${name}.${values.length + 1}`));
    return values;
  }

  /** `NAME.1.…`, `NAME.2.…`, each to be read like a call. */
  items(name: string): Query[] {
    const found: Query[] = [];
    const keys = [...this.#params.keys()];
    for (;;) {
      const prefix = `${this.#prefix}${name}.${found.length + 1}.`;
      if (!keys.some((key) => key.startsWith(prefix))) return found;
      found.push(new Query(this.#params, prefix));
    }
  }

  sub(name: string): Query {
    return new Query(this.#params, `${this.#prefix}${name}.`);
  }

  /** Everything but the parameters named, in one text that is equal for equal calls. */
  fingerprint(except: readonly string[]): string {
    const rest = [...this.#params].filter(([key]) => !except.includes(key));
    return JSON.stringify(rest.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
