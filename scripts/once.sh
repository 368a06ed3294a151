# Sourced, with $work set: long chains of commands that may be killed at any time and started again.

once() {  # once NAME OUTPUT COMMAND...: unless OUTPUT is there; what the command says goes to WORK/NAME.log
  local name=$1 output=$2 start=$SECONDS
  shift 2
  [ -e "$output" ] && return
  mkdir -p "$(dirname "$work/$name")" "$(dirname "$output")"
  if ! "$@" >>"$work/$name.log" 2>&1 || [ ! -e "$output" ]; then
    echo "$name: failed or stopped; $work/$name.log ends with" >&2
    tail -n 5 "$work/$name.log" >&2
    exit 1
  fi
  echo "$name: $((SECONDS - start)) s"
}
