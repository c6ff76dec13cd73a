# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of simplebus for bash. The program itself knows what may stand where.

_simplebus ()
{
  local line=${COMP_LINE:0:COMP_POINT} typed prefix= breaks= c candidate quoted
  local -a words

  # Not COMP_WORDS: there "@bob" and "--user=bob" are several words.
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  typed=${words[-1]//\\/}
  words[-1]=$typed

  # What stands before the last of these is not replaced.
  for c in @ : =; do
    [[ $COMP_WORDBREAKS == *"$c"* ]] && breaks+=$c
  done
  [[ $breaks ]] && prefix=${typed%"${typed##*["$breaks"]}"}

  COMPREPLY=()
  while IFS= read -r candidate; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
      done < <(compgen -f -- "${typed#"$prefix"}")
    else
      printf -v quoted %q "${candidate%%$'\t'*}"
      COMPREPLY+=("${quoted#"$prefix"}")
    fi
  done < <("${1/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
}

complete -F _simplebus simplebus
