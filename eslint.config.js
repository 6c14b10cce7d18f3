import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The only files that may ask the process and the clock; they pass on what they learn (docs/architecture). */
const compositionRoots = ['src/cli/context.ts', 'src/cli/main.ts', 'src/agent/main.ts'];

const exportsByName = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name: one name everywhere.' },
  { selector: 'ExportAllDeclaration', message: 'No barrel files: import from where a thing is.' },
];
const worldIsPassedIn = [
  {
    selector: 'MemberExpression[object.name="process"][property.name=/^(env|cwd)$/]',
    message:
      'Only the composition roots read the environment and the current folder; take them as an argument.',
  },
  {
    selector: 'MemberExpression[object.name="Date"][property.name="now"]',
    message: 'Only the composition roots read the clock; take it as an argument.',
  },
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'Only the composition roots read the clock; take it as an argument.',
  },
];

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'fixtures/', 'node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // An implementation of a port may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'no-constant-binary-expression': 'error',
      'no-control-regex': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', 350],
      '@typescript-eslint/max-params': ['error', { max: 3 }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...exportsByName, ...worldIsPassedIn],
    },
  },
  { files: ['src/ui/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: compositionRoots, rules: { 'no-restricted-syntax': ['error', ...exportsByName] } },
  {
    files: ['src/{util,model,formats,graph}/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'performance'].map((name) => ({
          name,
          message: 'The pure half has no process, network or clock.',
        })),
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': ['error', 700],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-unused-vars': 'error' },
  },
);
