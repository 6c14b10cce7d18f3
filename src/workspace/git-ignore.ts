/** Writes `/name` into the .gitignore of the path's folder unless it stands there. Answers whether the file changed. Plain file edits, the rest is kept. */
export function ignorePath(root: string, path: string): boolean {
  throw new Error(`not written yet: ${root} ${path}`);
}

/** Takes `/name` out of the .gitignore of the path's folder; an emptied file is removed. Answers whether the file changed. */
export function unignorePath(root: string, path: string): boolean {
  throw new Error(`not written yet: ${root} ${path}`);
}

/** Sees to lines in the root's .gitattributes, such as `.gitignore merge=union`. Answers whether the file changed. */
export function ensureAttributes(root: string, lines: readonly string[]): boolean {
  throw new Error(`not written yet: ${root} ${lines.length}`);
}
