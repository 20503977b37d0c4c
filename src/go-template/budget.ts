/** What one execution may use up: a step for each node and for each character made. Ends templates that would not end. */
export class Budget {
  #left = 2_000_000;

  /** Throws BudgetSpent when it is used up. */
  spend(amount: number): void {
    this.#left -= amount;
    if (this.#left < 0) throw new BudgetSpent();
  }

  /** The text, paid for. */
  text(text: string): string {
    this.spend(text.length);
    return text;
  }
}

export class BudgetSpent extends Error {
  override readonly message = 'the output grows without bounds';
}
