/** What a shell can complete of a command. */
export interface Completable {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
  /** Names of stages fit as its arguments, besides files. */
  readonly takesStages: boolean;
}

const STAGES = 'datawf stage list --names 2>/dev/null';

/** A completion for bash; sourced in ~/.bashrc. */
export function bashScript(commands: readonly Completable[]): string {
  const cases = commands.map(
    ({ name, flags, takesStages }) =>
      `    "${name}") flags="${flags.join(' ')}"${takesStages ? `; words="$(${STAGES})"` : ''} ;;`,
  );
  return `# datawf completion for bash
_datawf() {
  local cur=\${COMP_WORDS[COMP_CWORD]} one=\${COMP_WORDS[1]} two=\${COMP_WORDS[2]} name flags= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${firstWords(commands).join(' ')}" -- "$cur"))
    return
  fi
  case "$one" in
${families(commands)
  .map(
    ([first, seconds]) =>
      `    ${first}) if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "${seconds.join(' ')}" -- "$cur")); return; fi; name="$one $two" ;;`,
  )
  .join('\n')}
    *) name=$one ;;
  esac
  case "$name" in
${cases.join('\n')}
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur") $(compgen -f -- "$cur")) ;;
  esac
}
complete -o filenames -F _datawf datawf
`;
}

/** A completion for zsh; sourced in ~/.zshrc below compinit. */
export function zshScript(commands: readonly Completable[]): string {
  const described = firstWords(commands).map((word) => {
    const summary =
      commands.find((row) => row.name === word)?.summary ?? membersOf(commands, word).join(', ');
    return `    '${word}:${summary.replaceAll("'", "'\\''")}'`;
  });
  const cases = commands.map(
    ({ name, flags, takesStages }) =>
      `    '${name}') flags=(${flags.join(' ')})${takesStages ? `; words_=(\${(f)"$(${STAGES})"})` : ''} ;;`,
  );
  return `#compdef datawf
# datawf completion for zsh
_datawf() {
  local name
  local -a commands flags words_
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${families(commands)
  .map(
    ([first, seconds]) =>
      `    ${first}) if (( CURRENT == 3 )); then compadd ${seconds.join(' ')}; return; fi; name="$words[2] $words[3]" ;;`,
  )
  .join('\n')}
    *) name="$words[2]" ;;
  esac
  case "$name" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    compadd -- $flags
  else
    compadd -- $words_
    _files
  fi
}
compdef _datawf datawf
`;
}

/** A completion for fish. */
export function fishScript(commands: readonly Completable[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = firstWords(commands).map((word) => {
    const summary =
      commands.find((row) => row.name === word)?.summary ?? membersOf(commands, word).join(', ');
    return `complete -c datawf -n __fish_use_subcommand -a ${word} -d ${quote(summary)}`;
  });
  for (const [first, seconds] of families(commands)) {
    lines.push(`complete -c datawf -n '__fish_seen_subcommand_from ${first}' -a ${quote(seconds.join(' '))}`);
  }
  for (const { name, flags, takesStages } of commands) {
    const seen = name
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ');
    for (const flag of flags) lines.push(`complete -c datawf -n '${seen}' -l ${flag.slice(2)}`);
    if (takesStages) lines.push(`complete -c datawf -n '${seen}' -a ${quote(`(${STAGES})`)}`);
  }
  return `# datawf completion for fish\n${lines.join('\n')}\n`;
}

function firstWords(commands: readonly Completable[]): readonly string[] {
  return [...new Set(commands.map((row) => row.name.split(' ')[0] ?? '')), 'help'];
}

function families(commands: readonly Completable[]): readonly (readonly [string, readonly string[]])[] {
  const firsts = new Set(
    commands.filter((row) => row.name.includes(' ')).map((row) => row.name.split(' ')[0] ?? ''),
  );
  return [...firsts].map((first) => [first, membersOf(commands, first)]);
}

function membersOf(commands: readonly Completable[], first: string): readonly string[] {
  return commands
    .filter((row) => row.name.startsWith(`${first} `))
    .map((row) => row.name.slice(first.length + 1));
}
