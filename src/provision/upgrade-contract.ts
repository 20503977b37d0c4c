export interface PackageChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface UpgradeOutcome {
  readonly os: string;
  /** The package that dockerd is of, and its version now. */
  readonly engine: string;
  readonly packageVersion: string;
  /** `dockerd --version`'s number. */
  readonly engineVersion: string;
  /** Empty when there is nothing newer. */
  readonly changes: readonly PackageChange[];
  /** What the upgrade was held to; '' for nothing. */
  readonly pinned: string;
  /** Short ids of containers that ran before and do not now. */
  readonly lost: readonly string[];
}
