/** Completion for zsh: one function a command, for zsh's own _arguments. */
import { type CompletedCommand, type CompletedOption, type CompletedValue, flattened, NAME_KINDS } from './tree.ts';

export function zshScript(tree: CompletedCommand): string {
  return `#compdef rainmail
# Completion of rainmail for zsh. Made by: rainmail completion zsh

${NAMES}
${flattened(tree).map(commandFunction).join('\n')}
if [[ $funcstack[1] == _rainmail ]]; then
  _rainmail "$@" # zsh found this file in its fpath
else
  compdef _rainmail rainmail # the file was sourced
fi
`;
}

/** Asks the office for names; it answers nothing where there is none. Its last argument is the kind, those before are for compadd. */
const NAMES = `_rainmail_names() {
  local -a names ask
  local at=\${_rainmail_words[(I)--data]}
  ask=("$_rainmail_words[1]" __complete "$argv[-1]" "$PREFIX")
  (( at )) && ask+=(--data "$_rainmail_words[at + 1]")
  names=(\${(f)"$($ask 2>/dev/null)"})
  (( $#names )) && compadd "\${(@)argv[1,-2]}" -- $names
}
`;

function commandFunction({ path, commands, options, values }: CompletedCommand): string {
  const specs = options.map(optionSpec);
  // The whole line, for the names: below, zsh's words begin at the inner command.
  const remember = path.length === 0 ? '  local -a _rainmail_words=($words)\n' : '';
  const name = functionOf(path);
  if (commands.length === 0) {
    specs.push(...values.map((value, index) => `${quote(`${value.variadic ? '*' : index + 1}:${valueSpec(value)}`)}`));
    return `${name}() {\n${remember}  _arguments${lines(specs)}\n}\n`;
  }
  const described = commands.map((inner) => quote(`${inner.path.at(-1)}:${inner.description}`));
  const cases = commands.map((inner) => `        ${inner.path.at(-1)}) ${functionOf(inner.path)} ;;`);
  return `${name}() {
${remember}  local state line curcontext=$curcontext
  typeset -A opt_args
  _arguments -C${lines([...specs, "'1:command:->command'", "'*::argument:->argument'"])}
  case $state in
    command)
      local -a commands=(${described.map((one) => `\n        ${one}`).join('')}
      )
      _describe command commands ;;
    argument)
      case $words[1] in
${cases.join('\n')}
      esac ;;
  esac
}
`;
}

function optionSpec({ flag, description, value }: CompletedOption): string {
  const what = `${flag}[${description.replace(/[[\]]/g, '\\$&')}]`;
  return quote(value === null ? what : `${what}:${valueSpec(value)}`);
}

/** `what it is called:how it is completed`. */
function valueSpec({ name, kind, choices }: CompletedValue): string {
  if (kind === 'file') return `${name}:_files`;
  if (kind === 'directory') return `${name}:_files -/`;
  if (kind === 'choice') return `${name}:(${choices.join(' ')})`;
  return NAME_KINDS.some((one) => one === kind) ? `${name}:_rainmail_names ${kind}` : `${name}: `;
}

function functionOf(path: readonly string[]): string {
  return ['_rainmail', ...path.map((part) => part.replaceAll('-', '_'))].join('_');
}

function lines(specs: readonly string[]): string {
  return specs.map((spec) => ` \\\n    ${spec}`).join('');
}

/** A word in single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
