/** Content of a store's `FORMAT`; another number means that its layout differs. */
export const FORMAT = 'datawf-store 1\n';

/** What a store says of itself to whoever finds it. */
export const README = `This folder is a datawf store: versions of datasets, kept as plain files.

objects/ab/abcdef...  whole files, unchanged; the name is the file's BLAKE3 digest, as b3sum prints it
trees/ab/abcdef...    listings as text, one file a line: kind (f file, x executable, l symlink whose target is
                      the object's text), digest, size, path. A line that begins with n names another listing,
                      which belongs in its place.
refs/<branch>.json    what a branch holds: "pointers" names the tree (or object) of each dataset added by hand,
                      "locks" the object of each datawf.lock, which names the trees of what stages made
results/ keys/        what has been computed already
runs/ logs/           what happened
tmp/ quarantine/      unfinished files; objects found damaged (on disk only)

To get the files of a branch out without datawf:

    sh recover.sh STORE BRANCH OUT

where STORE is this folder or s3://bucket/prefix, and OUT a new folder. It needs sh and sed, for S3 the aws
client, and checks digests where b3sum is installed. Objects are read-only because they may share their bytes
with files in a work tree: copy them, don't edit them.
`;

/**
 * Restores all datasets of a branch with nothing but a shell, sed and cp (or an S3 client); `b3sum` is used where it is
 * installed. Reads refs and locks in the form that datawf writes them. Exit 2: usage, 4: something is missing, 7: damaged.
 */
export const RECOVER = String.raw`#!/bin/sh
# sh recover.sh STORE BRANCH OUT: writes the files of all datasets of a branch below the new folder OUT.
# STORE is a folder or s3://bucket/prefix (then S3CP, by default "aws s3 cp --quiet", copies FROM TO).
set -eu
[ $# -eq 3 ] || { echo "usage: sh recover.sh STORE BRANCH OUT" >&2; exit 2; }
store=\${1%/} branch=$2 out=$3
mkdir -p "$out"
tmp=$(mktemp -d "$out/.recover-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
reads=
hash=$(command -v b3sum || :)

# fetch NAME FILE: from the store, or else from the stores that the branch reads
fetch() {
  printf '%s\n%s\n' "$store" "$reads" > "$tmp/stores"
  while IFS= read -r from; do
    case $from in
      '') continue ;;
      s3://*) \${S3CP:-aws s3 cp --quiet} "$from/$1" "$2" < /dev/null 2>/dev/null || continue ;;
      *) cp -f "$from/$1" "$2" 2>/dev/null || continue ;;
    esac
    return 0
  done < "$tmp/stores"
  return 1
}

# get objects|trees DIGEST FILE
get() {
  pair=$(printf %.2s "$2")
  fetch "$1/$pair/$2" "$3" || { echo "missing: $1/$pair/$2" >&2; exit 4; }
  [ -z "$hash" ] && return 0
  read -r found _ <<END
$("$hash" --no-names < "$3")
END
  [ "$found" = "$2" ] || { echo "damaged: $1/$pair/$2" >&2; exit 7; }
}

safe() {
  case /$1/ in
    *//* | */../* | */./*) echo "refused: $1" >&2; exit 7 ;;
  esac
}

# restore KIND DIGEST PATH
restore() {
  safe "$3"
  case $3 in */*) mkdir -p "$out/\${3%/*}" ;; esac
  case $1 in
    l)
      get objects "$2" "$tmp/target"
      rm -f "$out/$3"
      ln -s "$(cat "$tmp/target")" "$out/$3"
      ;;
    *)
      get objects "$2" "$out/$3"
      case $1 in x) chmod 755 "$out/$3" ;; *) chmod 644 "$out/$3" ;; esac
      ;;
  esac
}

# tree DIGEST FOLDER; in a subshell, so that each level has variables of its own
tree() (
  digest=$1 home=$2 list=$tmp/tree-$1
  get trees "$digest" "$list"
  while IFS= read -r line; do
    kind=\${line%% *} rest=\${line#* }
    name=\${rest%% *} rest=\${rest#* }
    case $kind in
      n) tree "$name" "$home" ;;
      f | x | l) restore "$kind" "$name" "$home/\${rest#* }" ;;
      *) echo "damaged: trees $digest" >&2; exit 7 ;;
    esac
  done < "$list"
  rm -f "$list"
)

# pairs FIELD: the "name": "digest" pairs of an object in the ref, as lines "digest name"
pairs() {
  sed -n 's/.*"'"$1"'": *{\([^}]*\)}.*/\1/p' "$tmp/ref" | sed 's/", *"/"\
"/g' | sed -n 's/^ *"\(.*\)": *"\([0-9a-f]\{64\}\)" *$/\2 \1/p' | sed 's/\\"/"/g'
}

fetch "refs/$branch.json" "$tmp/json" || { echo "missing: refs/$branch.json in $store" >&2; exit 4; }
{ tr '\n' ' ' < "$tmp/json"; echo; } > "$tmp/ref"
reads=$(sed -n 's/.*"reads": *\[\([^]]*\)\].*/\1/p' "$tmp/ref" | sed 's/ *, */\
/g; s/"//g')

# dataset DIGEST HOME: a dataset that is one file has a tree of that one name
dataset() {
  safe "$2"
  get trees "$1" "$tmp/root"
  only=$(cat "$tmp/root")
  case $only in
    [fx]' '*' '*' '"\${2##*/}")
      kind=\${only%% *} rest=\${only#* }
      if [ "\${rest#* * }" = "\${2##*/}" ]; then restore "$kind" "\${rest%% *}" "$2"; return; fi
      ;;
  esac
  tree "$1" "$2"
}

pairs pointers > "$tmp/pointers"
while IFS= read -r line; do
  digest=\${line%% *} home=\${line#* }
  pair=$(printf %.2s "$digest")
  if fetch "trees/$pair/$digest" "$tmp/probe"; then dataset "$digest" "$home"; else restore f "$digest" "$home"; fi
done < "$tmp/pointers"

pairs locks > "$tmp/locks"
while IFS= read -r line; do
  get objects "\${line%% *}" "$tmp/lock"
  # lines below "outs":   data/clean: {tree: 5be7..., files: 2515, bytes: 88123904}
  sed -n 's/^ *"\{0,1\}\(.*[^"]\)"\{0,1\}: *{"\{0,1\}tree"\{0,1\}: *"\{0,1\}\([0-9a-f]\{64\}\).*/\2 \1/p' "$tmp/lock" | sed 's/\\"/"/g' > "$tmp/homes"
  while IFS= read -r share; do dataset "\${share%% *}" "\${share#* }"; done < "$tmp/homes"
done < "$tmp/locks"
`.replaceAll('\\${', '${');
