const REMOVED = '***';
const SECRET_NAME =
  /pass(word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|auth/i;
/** Tokens that well-known services give out, by their own marks. */
const SECRET_SHAPE =
  /\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)/g;
const URL_PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi;
/** The query of a signed URL. */
const URL_SIGNATURE = /([?&](?:X-Amz-[\w-]+|Signature|sig|token|key)=)[^&\s]+/gi;

/**
 * Arguments as they may be recorded: the values of options and assignments whose names sound secret (`--token x`,
 * `--token=x`, `API_KEY=x`), passwords and signatures in URLs, and tokens of well-known shape become `***`.
 */
export function redactArgv(argv: readonly string[]): readonly string[] {
  return argv.map((argument, index) => {
    const before = argv[index - 1];
    const isValue = before !== undefined && /^--?[\w-]+$/.test(before) && SECRET_NAME.test(before);
    if (isValue && !argument.startsWith('-')) return REMOVED;
    const assigned = /^(-{0,2}[\w.-]+)=/.exec(argument)?.[1];
    if (assigned !== undefined && SECRET_NAME.test(assigned)) return `${assigned}=${REMOVED}`;
    return argument
      .replace(SECRET_SHAPE, REMOVED)
      .replace(URL_PASSWORD, `$1:${REMOVED}@`)
      .replace(URL_SIGNATURE, `$1${REMOVED}`);
  });
}
