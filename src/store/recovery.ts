/** Content of a store's `FORMAT`; another number means that its layout differs. */
export const FORMAT = 'datawf-store 1\n';

/** What a store says of itself to whoever finds it. */
export const README = `This folder is a datawf store: versions of datasets, kept as plain files.

objects/ab/abcdef...  whole files, unchanged; the name is the file's BLAKE3 digest, as b3sum prints it
trees/ab/abcdef...    listings as text, one file a line: kind (f file, x executable, l symlink whose target is
                      the object's text), digest, size, path. A line that begins with n names another listing,
                      which belongs in its place.
refs/<branch>.json    what a branch holds: "pointers" names the object that is the .datawf file of each dataset added
                      by hand, "locks" the object of each datawf.lock; in those are the trees. "single": which outs of
                      stages are one file. "reads": further stores that have what isn't here
results/ keys/        what has been computed already
runs/ logs/           what happened
tmp/ quarantine/      unfinished files; objects found damaged (on disk only)

To get the files of a branch out without datawf:

    sh recover.sh STORE BRANCH OUT

where STORE is this folder or s3://bucket/prefix, and OUT a new folder. It needs sh, sed and grep, for S3 one of
aws, s3cmd, s5cmd and curl, and checks digests where b3sum, rhash or Python's blake3 is installed. Objects are read-only
because they may share their bytes with files in a work tree: copy them, don't edit them.
`;

/** Of the script below: a store that has an older one gets it with the next write. Counts up with each change. */
export const RECOVER_VERSION = 2;

/** The version of a script that lies in a store; 0 where it says none. */
export function recoverVersion(text: string): number {
  return Number(/^# recover\.sh (\d+)$/m.exec(text.slice(0, 200))?.[1] ?? 0);
}

/**
 * Restores all datasets of a branch with nothing but a shell, sed, grep and cp (or an S3 client); digests are checked where
 * something that knows BLAKE3 is installed. Reads refs, locks and pointers as datawf writes them. Exit 2: usage, 4: something
 * is missing, 7: damaged.
 */
export const RECOVER = String.raw`#!/bin/sh
# recover.sh ${RECOVER_VERSION}
# sh recover.sh STORE BRANCH OUT: writes the files of all datasets of a branch below the new folder OUT.
# STORE is a folder or s3://bucket/prefix (then S3CP, or else aws, s3cmd, s5cmd or curl, copies FROM TO).
set -eu
[ $# -eq 3 ] || { echo "usage: sh recover.sh STORE BRANCH OUT" >&2; exit 2; }
store=\${1%/} branch=$2 out=$3
mkdir -p "$out"
tmp=$(mktemp -d "$out/.recover-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
reads=
if command -v b3sum > /dev/null 2>&1; then hash='b3sum --no-names'
elif rhash --blake3 /dev/null > /dev/null 2>&1; then hash='rhash --simple --blake3 -'
elif python3 -c 'import blake3' 2> /dev/null; then hash=python
else hash= && echo "no b3sum here: the digests of the files are not checked" >&2
fi
if [ -z "\${S3CP:-}" ]; then
  if command -v aws > /dev/null 2>&1; then S3CP='aws s3 cp --quiet'
  elif command -v s3cmd > /dev/null 2>&1; then S3CP='s3cmd --quiet --force get'
  elif command -v s5cmd > /dev/null 2>&1; then S3CP='s5cmd cp'
  else S3CP=s3curl
  fi
fi

# s3curl FROM TO: with curl 7.75 or newer, keys from AWS's variables
s3curl() {
  curl -sSf -o "$2" --aws-sigv4 "aws:amz:\${AWS_REGION:-us-east-1}:s3" \
    --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    \${AWS_SESSION_TOKEN:+-H "x-amz-security-token: $AWS_SESSION_TOKEN"} \
    "\${AWS_ENDPOINT_URL:-https://s3.\${AWS_REGION:-us-east-1}.amazonaws.com}/\${1#s3://}"
}

# digest: of standard input
digest() {
  if [ "$hash" = python ]; then
    python3 -c 'import blake3, sys; print(blake3.blake3(sys.stdin.buffer.read()).hexdigest())'
  else
    $hash
  fi
}

# fetch NAME FILE: from the store, or else from the stores that the branch reads
fetch() {
  printf '%s\n%s\n' "$store" "$reads" > "$tmp/stores"
  while IFS= read -r from; do
    case $from in
      '') continue ;;
      s3://*) $S3CP "$from/$1" "$2" < /dev/null 2>/dev/null || continue ;;
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
$(digest < "$3")
END
  [ "$found" = "$2" ] || { echo "damaged: $1/$pair/$2" >&2; exit 7; }
}

safe() {
  case /\${1#./}/ in
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

# tree DIGEST FOLDER (. the top); in a subshell, so that each level has variables of its own
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

# field NAME: what a line of the ref has, without its brackets
field() {
  sed -n 's/^"'"$1"'": [[{]\(.*\)[]}],\{0,1\}$/\1/p' "$tmp/ref"
}

# pairs NAME: its "name": "digest" pairs, as lines "digest name"
pairs() {
  field "$1" | sed 's/", "/"\
"/g' | sed -n 's/^"\(.*\)": "\([0-9a-f]\{64\}\)"$/\2 \1/p' | sed 's/\\"/"/g'
}

fetch "refs/$branch.json" "$tmp/ref" || { echo "missing: refs/$branch.json in $store" >&2; exit 4; }
reads=$(field reads | sed 's/", "/\
/g; s/^"//; s/"$//')
field single | sed 's/", "/\
/g; s/^"//; s/"$//' | sed 's/\\"/"/g' > "$tmp/single"

# .datawf files:   tree: 5be7...   or, for one file,   digest: 5be7...   and perhaps   kind: x
pairs pointers > "$tmp/pointers"
while IFS= read -r line; do
  home=\${line#* }
  get objects "\${line%% *}" "$tmp/pointer"
  root=$(sed -n 's/^tree: "\{0,1\}\([0-9a-f]\{64\}\).*/\1/p' "$tmp/pointer")
  file=$(sed -n 's/^digest: "\{0,1\}\([0-9a-f]\{64\}\).*/\1/p' "$tmp/pointer")
  kind=$(sed -n 's/^kind: \([fxl]\).*/\1/p' "$tmp/pointer")
  if [ -n "$root" ]; then tree "$root" "$home"; else restore "\${kind:-f}" "$file" "$home"; fi
done < "$tmp/pointers"

pairs locks > "$tmp/locks"
while IFS= read -r line; do
  get objects "\${line%% *}" "$tmp/lock"
  # lines below "outs":   data/clean: {tree: 5be7..., files: 2515, bytes: 88123904}
  sed -n 's/^ *"\{0,1\}\(.*[^"]\)"\{0,1\}: *{"\{0,1\}tree"\{0,1\}: *"\{0,1\}\([0-9a-f]\{64\}\).*/\2 \1/p' "$tmp/lock" | sed 's/\\"/"/g' > "$tmp/homes"
  while IFS= read -r share; do
    home=\${share#* }
    # The tree of an out that is one file has its last name alone.
    case $home in */*) above=\${home%/*} ;; *) above=. ;; esac
    if grep -Fxq -e "$home" "$tmp/single"; then tree "\${share%% *}" "$above"; else tree "\${share%% *}" "$home"; fi
  done < "$tmp/homes"
done < "$tmp/locks"
`.replaceAll('\\${', '${');
