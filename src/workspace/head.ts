/** What HEAD names. */
export interface Head {
  /** Short branch name (`main`), undefined when detached. */
  readonly branch: string | undefined;
  /** Commit as 40 or 64 hex digits, undefined on an unborn branch. */
  readonly commit: string | undefined;
}
