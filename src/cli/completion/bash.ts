/**
 * Completion for bash, 4.4 or newer, without other packages.
 *
 * The words are read off COMP_LINE, since bash cuts words at `@`, `:` and `=` (COMP_WORDBREAKS); what it has cut off is taken off the answers
 * again.
 */
import { type CompletedCommand, type CompletedValue, flattened, NAME_KINDS } from './tree.ts';

export function bashScript(tree: CompletedCommand): string {
  return SCRIPT.replace('@TABLE@', () => flattened(tree).map(tableEntry).join('\n')).replace(
    '@KINDS@',
    NAME_KINDS.join('|'),
  );
}

/** What is known of one command: its subcommands, its options, and the kinds of its values. */
function tableEntry({ path, commands, options, values }: CompletedCommand): string {
  const takes = options.filter(({ value }) => value !== null).map(({ flag, value }) => `${flag}=${kindOf(value!)}`);
  const lines = [
    `commands=${quoted(commands.map((inner) => inner.path.at(-1)!))}`,
    `options=${quoted(options.map(({ flag }) => flag))}`,
    `takes=${quoted(takes)}`,
    `values=${quoted(values.map((value) => kindOf(value) + (value.variadic ? '*' : '')))}`,
  ];
  return `    '${path.join(' ')}')\n${lines.map((line) => `      ${line}`).join('\n')} ;;`;
}

/** A kind as one word: `account`, or `choice:bash,zsh`. */
function kindOf({ kind, choices }: CompletedValue): string {
  return kind === 'choice' ? `choice:${choices.join(',')}` : kind;
}

/** Words for a shell; names of commands and options hold nothing that needs escaping. */
function quoted(words: readonly string[]): string {
  return `'${words.join(' ')}'`;
}

const SCRIPT = `# Completion of rainmail for bash. Made by: rainmail completion bash

_rainmail_table() {
  case "$1" in
@TABLE@
  esac
}

_rainmail() {
  local line=\${COMP_LINE:0:COMP_POINT} word current kind='' data='' path='' place=0 IFS=$' \\t\\n'
  local commands options takes values words=()
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  COMPREPLY=()

  # Where on the command line is this? Which command, and which of its values is next?
  _rainmail_table ''
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ $kind ]]; then
      [[ $kind == directory ]] && data=$word
      kind=''
    elif [[ $word == -* ]]; then
      [[ " $takes " =~ " $word="([^ ]+)" " ]] && kind=\${BASH_REMATCH[1]}
    elif [[ " $commands " == *" $word "* ]]; then
      path="\${path:+$path }$word"
      _rainmail_table "$path"
    else
      ((place++))
    fi
  done

  if [[ ! $kind ]]; then
    if [[ $current == -* ]]; then
      kind=choice:\${options// /,}
    elif [[ $commands ]]; then
      kind=choice:\${commands// /,}
    else
      local kinds
      read -ra kinds <<<"$values"
      kind=\${kinds[place]:-}
      # The last value may come again and again.
      [[ ! $kind && \${#kinds[@]} -gt 0 && \${kinds[-1]} == *'*' ]] && kind=\${kinds[-1]}
      kind=\${kind%'*'}
    fi
  fi

  case "$kind" in
    choice:*)
      word=\${kind#choice:}
      mapfile -t COMPREPLY < <(compgen -W "\${word//,/ }" -- "$current") ;;
    @KINDS@)
      mapfile -t COMPREPLY < <("\${words[0]}" __complete "$kind" "$current" \${data:+--data "$data"} 2>/dev/null)
      # Names may hold spaces.
      ((\${#COMPREPLY[@]})) && mapfile -t COMPREPLY < <(printf '%q\\n' "\${COMPREPLY[@]}") ;;
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directory)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac

  # Bash replaces only what it takes for the word: from after a ":" or "=", and from an "@" on.
  word=\${COMP_WORDS[COMP_CWORD]}
  [[ $word == [:=] ]] && word=''
  local cut=\${current%"$word"}
  cut=\${cut%@}
  COMPREPLY=("\${COMPREPLY[@]#"$cut"}")
}

complete -F _rainmail rainmail
`;
