// The layers of the house. Each rule's comment is its reason; a broken rule prints it.

const pure = '^src/(util|model|formats|graph)/';
const siblings = '^src/(store|workspace|run|history)/';
const ports = '^src/(store/store|run/runner)[.]ts$';
const adapters = '^src/(store/[a-z0-9]+-store|run/[a-z0-9]+-runner)[.]ts$';
const typeOnly = 'type-only';

/** Rule 4: which files may import an outside package. */
const importers = [
  { package: 'commander', importer: '^src/cli/' },
  { package: '(chalk|ora)', importer: '^src/ui/' },
  { package: 'yaml', importer: '^src/formats/yaml-document[.]ts$' },
  { package: 'simple-git', importer: '^src/workspace/git[.]ts$' },
  { package: '@(aws-sdk|smithy)', importer: '^src/store/s3-sdk[.]ts$' },
  { package: '@kubernetes', importer: '^src/run/kube-client[.]ts$' },
  { package: '(blake3|@napi-rs)', importer: '^src/util/blake3[.]ts$' },
];

const rules = [
  // 1. The pure half.
  {
    name: 'pure-half-knows-only-itself',
    comment: 'util, model, formats and graph decide on values; what they need from outside is passed in.',
    from: { path: pure },
    to: { path: '^src/', pathNot: pure },
  },
  {
    name: 'pure-half-has-no-io',
    comment: 'Tests of the pure half need no rig, so it has no files, network, clock or processes.',
    from: { path: pure },
    to: { dependencyTypes: ['core'], pathNot: '^(node:)?(path|path/posix|util|module)$' },
  },
  {
    name: 'loading-by-name-is-for-importers',
    comment:
      'node:module loads an outside package on first use, in the one file that imports it; no other way in.',
    from: { path: pure, pathNot: '^src/(util/blake3|formats/yaml-document)[.]ts$' },
    to: { dependencyTypes: ['core'], path: '^(node:)?module$' },
  },
  {
    name: 'util-is-domain-free',
    comment: 'util would fit any program: it knows none of our words.',
    from: { path: '^src/util/' },
    to: { path: '^src/', pathNot: '^src/util/' },
  },
  {
    name: 'model-has-no-formats',
    comment: 'The words of the domain do not know how they are written or what is decided with them.',
    from: { path: '^src/model/' },
    to: { path: '^src/', pathNot: '^src/(model|util)/' },
  },
  {
    name: 'formats-decide-nothing',
    comment: 'formats turns text into model and back; decisions are in graph.',
    from: { path: '^src/formats/' },
    to: { path: '^src/graph/' },
  },

  // 2. The siblings.
  {
    name: 'siblings-are-strangers',
    comment: 'store, workspace, run and history are joined by app only; each may know a port of another.',
    from: { path: siblings },
    to: { path: siblings, pathNot: ['^src/$1/', ports] },
  },
  {
    name: 'ports-of-siblings-are-types',
    comment:
      'Of another sibling only the port is known, and only as a type: the implementation is passed in.',
    from: { path: siblings },
    to: { path: ports, pathNot: '^src/$1/', dependencyTypesNot: [typeOnly] },
  },
  {
    name: 'siblings-see-the-pure-half-and-disk',
    comment: 'What joins and draws is above the siblings, never below.',
    from: { path: siblings },
    to: { path: '^src/', pathNot: [pure, siblings, '^src/disk/'] },
  },
  {
    name: 'disk-has-no-domain',
    comment: "disk is the machine's file system; of the model it knows only what a digest and a problem are.",
    from: { path: '^src/disk/' },
    to: { path: '^src/', pathNot: ['^src/(disk|util)/', '^src/model/(digest|problem)[.]ts$'] },
  },

  // 3. What joins them.
  {
    name: 'app-joins-and-draws-nothing',
    comment:
      'Use cases take ports as arguments and emit events; the screen and the shell are not their business.',
    from: { path: '^src/app/' },
    to: { path: '^src/(ui|cli|agent)/' },
  },
  {
    name: 'ui-imports-model-only',
    comment: 'The screen draws events of the model; it asks nobody for more.',
    from: { path: '^src/ui/' },
    to: { path: '^src/', pathNot: '^src/(ui|model)/' },
  },
  {
    name: 'roots-build-adapters',
    comment: 'Only cli/context and agent/main choose a store or a runner; everyone else is given one.',
    from: { path: '^src/(app|cli|agent)/', pathNot: '^src/(cli/context|agent/main)[.]ts$' },
    to: { path: adapters, dependencyTypesNot: [typeOnly] },
  },
  {
    name: 'nobody-imports-the-roots',
    comment: 'cli and agent are where things start; what is needed elsewhere belongs to a lower room.',
    from: { path: '^src/', pathNot: '^src/(cli|agent)/' },
    to: { path: '^src/(cli|agent)/' },
  },
  {
    name: 'roots-are-strangers',
    comment: 'The agent runs in a pod without the command line, and the command line without the agent.',
    from: { path: '^src/(cli|agent)/' },
    to: { path: '^src/(cli|agent)/', pathNot: '^src/$1/' },
  },

  // 4. One importer per outside package.
  ...importers.map(({ package: name, importer }) => ({
    name: `one-importer-of-${name.replace(/[()@]/g, '').replace(/[|]/g, '-')}`,
    comment: `Swapping an outside package is a one-file change: only ${importer} imports ${name}.`,
    from: { path: '^src/', pathNot: importer },
    to: { path: `^node_modules/${name}(/|$)` },
  })),
  {
    name: 'outside-packages-are-listed',
    comment: 'A new package gets a decision in docs/decisions and its importer in this file.',
    from: { path: '^src/' },
    to: {
      path: '^node_modules/',
      pathNot: importers.map(({ package: name }) => `^node_modules/${name}(/|$)`),
    },
  },
  {
    name: 'shipped-code-uses-shipped-packages',
    comment: 'A development package is not there where datawf is installed.',
    from: { path: '^(src|bin)/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/@types/' },
  },

  {
    name: 'network-is-loaded-on-use',
    comment:
      "In a program of one file every import is the program's: Node's network modules cost each command 15 ms. Take store/s3-network's way.",
    from: { path: '^src/', pathNot: '^src/agent/' },
    to: {
      dependencyTypes: ['core'],
      dependencyTypesNot: [typeOnly],
      path: '^(node:)?(http|https|http2|net|tls)$',
    },
  },

  // 5. No cycles, and every import leads somewhere.
  {
    name: 'no-cycles',
    comment: 'Two files that need each other are one thing; types count, since readers follow them too.',
    from: { path: '^src/' },
    to: { circular: true },
  },
  {
    name: 'no-dead-ends',
    comment: 'An import that resolves to nothing fails for the first user.',
    from: { path: '^src/' },
    to: { couldNotResolve: true },
  },
];

module.exports = {
  forbidden: rules.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
