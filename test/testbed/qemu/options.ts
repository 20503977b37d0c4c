/**
 * What QEMU reads in the values of an option: pairs of names and values with commas between them,
 * where two commas stand for one (util/qemu-option.c, get_opt_value).
 */
export function optionsOf(argv: readonly string[], option: string): readonly (readonly [string, string])[] {
  return argv.flatMap((word, index) =>
    argv[index - 1] !== option
      ? []
      : [...word.matchAll(/((?:[^,]|,,)*)(?:,|$)/gs)]
          .map(([, part = '']) => part.replaceAll(',,', ','))
          .filter((part) => part !== '')
          .map((part) => {
            const [name = '', ...value] = part.split('=');
            return [name, value.join('=')] as const;
          }),
  );
}
