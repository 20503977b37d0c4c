/**
 * The table of architecture: which folder may import which. A folder that is not named beside another may not be imported
 * from it; src/cli may import everything.
 */
const folder = (name) => `^src/${name}/`;

/** Everything may import src/base. */
const allowed = {
  base: [],
  ssh: [],
  engine: [],
  certs: [],
  store: [],
  download: [],
  images: ['download'],
  guest: [],
  'go-template': [],
  sdk: ['ssh', 'guest', 'images'],
  // A driver's tests run in no command, so the kit itself brings the computer's clock and programs.
  'sdk/testing': ['sdk', 'cli/computer'],
  drivers: ['sdk', 'ssh', 'store', 'images', 'guest', 'download'],
  provision: ['ssh', 'certs', 'engine'],
  machine: ['store', 'sdk', 'drivers', 'provision', 'certs', 'ssh', 'engine'],
};

const rows = Object.entries(allowed).map(([name, others]) => ({
  name: `${name}-imports-only-what-it-may`,
  severity: 'error',
  from: { path: folder(name), pathNot: name === 'sdk' ? folder('sdk/testing') : [] },
  to: { path: '^src/', pathNot: [name, 'base', ...others].map(folder) },
}));

module.exports = {
  forbidden: [
    ...rows,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-does-not-know-drivers',
      comment: 'The core branches on capabilities, never on a driver.',
      severity: 'error',
      from: { path: folder('machine') },
      to: { path: '^src/drivers/[^/]+/' },
    },
    {
      name: 'drivers-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/drivers/([^/]+)/' },
      to: { path: '^src/drivers/[^/]+/', pathNot: '^src/drivers/$1/' },
    },
    {
      name: 'heavy-packages-are-lazy',
      comment: 'Start-up loads none of these: a command imports them when it needs them.',
      severity: 'error',
      from: { path: '^src/cli/(main|run|app|command|args/globals|talk/ask|create/preferences)\\.ts$' },
      to: {
        path: 'node_modules/(ssh2|execa|inquirer|conf|node-forge|cli-table3|undici)/',
        dependencyTypesNot: ['type-only'],
        dynamic: false,
      },
    },
    {
      name: 'engine-and-locks-are-lazy',
      comment:
        'TLS is loaded by what talks to an engine, and locks by what writes: most commands do neither.',
      severity: 'error',
      from: { path: '^src/(machine|store/store\\.ts)' },
      to: {
        path: '^src/(engine/client|store/lock)\\.ts$',
        dependencyTypesNot: ['type-only'],
        dynamic: false,
      },
    },
    {
      name: 'commands-do-not-know-each-other',
      comment: 'What two commands share has a name of its own outside of src/cli/commands.',
      severity: 'error',
      from: { path: '^src/cli/commands/.+/' },
      to: { path: '^src/cli/commands/' },
    },
    {
      name: 'cli-takes-no-locks',
      comment: 'What needs a lock is an operation of src/machine, or a file of src/store.',
      severity: 'error',
      from: { path: folder('cli') },
      to: { path: '^src/store/lock\\.ts$' },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
