import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { importsOf } from './imports.ts';
import { firstMissing } from './install.mjs';
import { missingOptionalPackages } from './lock.ts';
import { judgeRooms, type SourceFile } from './rooms.ts';

const exportsOf = new Map([
  ['@parley/protocol', ['.']],
  ['@parley/client', ['.']],
  ['@parley/node', ['.']],
  ['@parley/media', ['.', './embedded']],
]);
const file = (path: string, ...imports: string[]): SourceFile => ({ path, lines: 10, imports });
const faultsOf = (...files: SourceFile[]) => judgeRooms(files, exportsOf).faults;

describe('reading imports', () => {
  it('finds every form, and none in comments, strings or expressions', () => {
    const source = `
      import a, { type B } from './a.ts';
      import type { C } from './c.ts';
      import './effect.ts';
      export * from './d.ts';
      export { e } from "./e.ts";
      const f = await import('./f.ts');
      type G = import('./g.ts').G;
      // import h from './h.ts';
      const i = "import i from './i.ts'", j = \`import j from './j.ts'\`, k = /from '.\\/k.ts'/;
    `;
    const expected = ['a', 'c', 'effect', 'd', 'e', 'f', 'g'].map((name) => `./${name}.ts`);
    assert.deepEqual(importsOf('x.ts', source).sort(), expected.sort());
  });
});

describe('rooms', () => {
  it('lets imports go downwards, through exports', () => {
    assert.deepEqual(
      faultsOf(
        file('packages/client/src/a.ts', '@parley/protocol', './b.ts', 'node:fs'),
        file('packages/client/src/b.ts'),
        file('packages/node/src/main.ts', '@parley/media/embedded', './calls/calls.ts', './config/read.ts'),
        file('packages/node/src/calls/calls.ts', '../config/read.ts', '../people/api.ts'),
        file('packages/node/src/calls/calls.test.ts', '../people/people.ts'),
      ),
      [],
    );
  });
  it('refuses imports upwards, sideways and past the exports', () => {
    assert.equal(faultsOf(file('packages/protocol/src/a.ts', '@parley/client')).length, 1);
    assert.equal(faultsOf(file('packages/client/src/a.ts', '@parley/node')).length, 1);
    assert.equal(faultsOf(file('packages/client/src/a.ts', '@parley/protocol/src/events.ts')).length, 1);
    assert.equal(faultsOf(file('packages/client/src/a.ts', '../../protocol/src/events.ts')).length, 1);
  });
  it('keeps the rooms of the node apart', () => {
    assert.equal(faultsOf(file('packages/node/src/calls/calls.ts', '../people/people.ts')).length, 1);
    assert.equal(faultsOf(file('packages/node/src/calls/calls.ts', '../main.ts')).length, 1);
  });
  it('finds circles of two and of three files', () => {
    assert.equal(faultsOf(file('tests/src/a.ts', './b.ts'), file('tests/src/b.ts', './a.ts')).length, 1);
    const three = [
      file('tests/src/a.ts', './b.ts'),
      file('tests/src/b.ts', './c.ts'),
      file('tests/src/c.ts', './a.ts', './d.ts'),
      file('tests/src/d.ts'),
    ];
    assert.match(faultsOf(...three)[0] ?? '', /a\.ts → tests\/src\/b\.ts → tests\/src\/c\.ts → tests\/src\/a\.ts/);
  });
  it('warns of long files', () => {
    assert.equal(judgeRooms([{ path: 'tests/src/a.ts', lines: 401, imports: [] }], exportsOf).warnings.length, 1);
  });
});

describe('what has to be installed', () => {
  const lock = {
    '': {},
    'packages/a': { version: '1' },
    'node_modules/x': { version: '1.0.0', integrity: 'sha512-x' },
    'node_modules/for-other-platform': { version: '1.0.0', optional: true },
  };
  it('is nothing when every package is there', () => {
    assert.equal(firstMissing(lock, { 'node_modules/x': { version: '1.0.0', integrity: 'sha512-x' } }), null);
  });
  it('is a package that is missing or another version', () => {
    assert.equal(firstMissing(lock, {}), 'node_modules/x');
    assert.equal(firstMissing(lock, { 'node_modules/x': { version: '2.0.0' } }), 'node_modules/x');
  });
});

describe('a complete lock file', () => {
  it('lists binaries for other platforms too, each kept to its platform', () => {
    const packages = {
      'node_modules/tool': { version: '1.0.0', dev: true, optionalDependencies: { '@tool/darwin-arm64': '1.0.0' } },
    };
    const missing = missingOptionalPackages(packages);
    assert.deepEqual(missing, {
      'node_modules/@tool/darwin-arm64': {
        version: '1.0.0',
        dev: true,
        optional: true,
        os: ['darwin'],
        cpu: ['arm64'],
      },
    });
    assert.deepEqual(missingOptionalPackages({ ...packages, ...missing }), {});
  });
});
