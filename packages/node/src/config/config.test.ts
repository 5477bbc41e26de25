// The configuration: what people write is read, what they mistype is named by field and line.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { z } from 'zod';
import { ConfigError, configSchema, loadConfig, matchesOrigin, parseConfig, parseOriginPattern } from './index.ts';
import { testConfig } from './testing.ts';

const exampleFile = fileURLToPath(new URL('../../parley.example.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-config-'));
after(() => rmSync(folder, { recursive: true }));

const minimal = `provider: { domain: enterprise1.example, name: "Enterprise 1" }
http:
  port: 8801
  origins: ["http://enterprise1.localhost:8801"]
signIn:
  issuers:
    - { id: company, name: "Enterprise 1", issuer: "http://accounts.localhost:1", clientId: parley, clientSecret: hush-hush }
`;

function refusal(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    parseConfig(text, '/etc/parley/enterprise1.yaml', env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  assert.fail('was not refused');
}

describe('the example file', () => {
  const text = readFileSync(exampleFile, 'utf8');

  test('is what the schema makes of the few fields that must be set', () => {
    const example = loadConfig(exampleFile, {});
    const { provider, signIn, http } = example;
    const required = { provider, signIn: { issuers: signIn.issuers }, http: { origins: http.origins } };
    const defaults = configSchema.parse(required);
    const inFolder = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
    assert.deepEqual(example, {
      ...defaults,
      storage: { file: inFolder(defaults.storage.file) },
      federation: { ...defaults.federation, keyFile: inFolder(defaults.federation.keyFile) },
      recordings: { ...defaults.recordings, folder: inFolder(defaults.recordings.folder) },
    });
  });

  test('describes every field, in the words of the schema', () => {
    const plain = (words: string) => words.replace(/[#\s]+/g, ' ').trim();
    const comments = plain(text);
    const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
    const undescribed: string[] = [];
    let fields = 0;
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('properties' in node && typeof node.properties === 'object' && node.properties !== null) {
        for (const [key, field] of Object.entries<unknown>(Object(node.properties))) {
          const here = `${path}.${key}`;
          const description = Object(field).description;
          // The fields of an ICE server are the browser's own.
          if (path !== '.iceServers') {
            fields++;
            if (typeof description !== 'string' || !comments.includes(plain(description))) undescribed.push(here);
            if (!new RegExp(`^[ #-]*${key}:`, 'm').test(text)) undescribed.push(`${here} (not in the file)`);
          }
          visit(field, here);
        }
      }
      for (const key of ['items', 'anyOf'] as const) {
        const inner: unknown = Object(node)[key];
        for (const item of Array.isArray(inner) ? inner : [inner]) visit(item, path);
      }
    };
    visit(schema, '');
    assert.deepEqual(undescribed, []);
    assert.ok(fields > 40, `only ${fields} fields were looked at`);
  });

  test('shows commented fields that are valid once the comment is removed', () => {
    const uncommented = text
      .replace(/^ {2}tls: null\n/m, '')
      .replace(/^ {2}people: \[\]\n/m, '')
      .replace(/^ {2}hosts: \{\}\n/m, '')
      .replace(/^iceServers: \[\]\n/m, '')
      .replace(/^( *)# (tls|people|hosts|iceServers):\n((?:\1# .*\n)+)/gm, (_, space, key, block: string) => {
        const lines = block.split('\n').map((line) => line.replace(/^( *)# /, '$1'));
        return `${space}${key}:\n${lines.join('\n').replace(/^ *requestSeconds.*$/m, '')}`;
      })
      .replace('issuers: # <--', 'issuers:\n    - { id: accounts, name: A, issuer: "https://a.example", clientId: a }')
      .replace(/^ +How long another.*$/m, '');
    const config = parseConfig(uncommented, exampleFile);
    assert.equal(config.directory.people[0]?.identities[0]?.subject, 'alice@mail.example');
    assert.match(config.http.tls?.key ?? '', /packages\/node\/tls\/key\.pem$/);
    assert.deepEqual(config.iceServers[0]?.urls, ['turn:turn.enterprise1.example']);
    assert.deepEqual(config.federation.hosts, { 'enterprise2.example': 'http://enterprise2.localhost:8802' });
  });
});

describe('what is wrong is named by field and line', () => {
  const cases: [string, string, string][] = [
    ['a wrong type', minimal.replace('8801', 'many'), 'enterprise1.yaml:3: http.port must be a number, not "many"'],
    [
      'an engine elsewhere without its address',
      `${minimal}focus: { engines: [{ id: m, kind: kurento }] }\n`,
      'enterprise1.yaml:8: focus.engines[0] must say by url where the kurento server is',
    ],
    [
      'an engine that anybody on the way could listen to',
      `${minimal}focus: { engines: [{ id: m, kind: janus, url: "ws://media.example:8188" }] }\n`,
      'enterprise1.yaml:8: focus.engines[0].url must begin with wss:// (ws:// is for this machine and private networks only), not "ws://media.example:8188"',
    ],
    [
      'two engines of one name',
      `${minimal}focus: { engines: [{ id: m, kind: embedded }, { id: m, kind: embedded }] }\n`,
      'enterprise1.yaml:8: focus.engines[1].id must be different for each engine, not "m"',
    ],
    [
      'out of range',
      minimal.replace('8801', '70000'),
      'enterprise1.yaml:3: http.port must be at most 65535, not 70000',
    ],
    ['misspelt', minimal.replace('port:', 'prot:'), 'enterprise1.yaml:3: http.prot is not known; check the spelling'],
    ['an unknown section', `${minimal}cals: {}\n`, 'enterprise1.yaml:8: cals is not known; check the spelling'],
    ['missing', minimal.replace(', clientId: parley', ''), 'enterprise1.yaml:7: signIn.issuers[0].clientId is missing'],
    [
      'a choice',
      `${minimal}log: { level: loud }\n`,
      'enterprise1.yaml:8: log.level must be one of fatal, error, warn, info, debug, trace, silent, not "loud"',
    ],
    [
      'no domain',
      minimal.replace('enterprise1.example', '"Enterprise 1"'),
      'enterprise1.yaml:1: provider.domain is not a domain name: "Enterprise 1"',
    ],
    [
      'plain HTTP to elsewhere',
      minimal.replace('http://accounts.localhost:1', 'http://accounts.example'),
      'enterprise1.yaml:7: signIn.issuers[0].issuer must begin with https:// (http:// is for localhost only), not "http://accounts.example"',
    ],
    [
      'plain HTTP for browsers',
      minimal.replace('http://enterprise1.localhost:8801', 'http://enterprise1.example'),
      'enterprise1.yaml:4: http.origins[0] must begin with https:// (http:// is for localhost only): browsers allow no camera otherwise, not "http://enterprise1.example"',
    ],
    [
      'an unknown issuer',
      `${minimal}directory:\n  people:\n    - { address: a, name: A, identities: [{ issuer: x, subject: y }] }\n`,
      'enterprise1.yaml:10: directory.people[0].identities[0].issuer must be the id of one of signIn.issuers, not "x"',
    ],
    [
      'a person twice',
      `${minimal}directory:\n  people:\n    - { address: a, name: A }\n    - { address: a, name: B }\n`,
      'enterprise1.yaml:11: directory.people[1].address is listed twice: "a"',
    ],
    [
      'stand-in hosts elsewhere',
      `${minimal}federation:\n  hosts:\n    b.example: http://192.0.2.1\n`,
      'enterprise1.yaml:10: federation.hosts.b.example must be on this machine (localhost, *.localhost, 127.0.0.1), not "http://192.0.2.1"',
    ],
    [
      'ports the wrong way round',
      `${minimal}focus: { portRange: [5000, 4000] }\n`,
      'enterprise1.yaml:8: focus.portRange must have the first port before the last',
    ],
    [
      'a * without quotes',
      minimal.replace('["http', '[*.enterprise1.localhost, "http'),
      'enterprise1.yaml:4: "*.enterprise1.localhost" needs quotes, as text that begins with * does in YAML',
    ],
    ['the same field twice', `${minimal}log: {}\nlog: {}\n`, 'enterprise1.yaml:9: Map keys must be unique'],
  ];
  for (const [name, text, expected] of cases) {
    test(name, () => assert.deepEqual(refusal(text), [expected]));
  }

  test('all mistakes at once, and never a secret', () => {
    const problems = refusal(minimal.replace('8801', 'x').replace('hush-hush', '[hush-hush]').replace('parley,', '7,'));
    assert.equal(problems.length, 3);
    const secret = refusal(minimal.replace('hush-hush', '20231123'));
    assert.deepEqual(secret, ['enterprise1.yaml:7: signIn.issuers[0].clientSecret must be text']);
  });

  test('a file that is not there', () => {
    assert.throws(() => loadConfig(join(folder, 'nowhere.yaml'), {}), /nowhere\.yaml: cannot be read/);
  });

  test('whatever stands in the file, the answer is a configuration or a list of problems', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.stringMatching(/^[[\]{}:&*!#|>a \n-]{0,20}$/),
          fc.json().map((json) => `${minimal}calls: ${json}\n`),
        ),
        (text) => {
          try {
            parseConfig(text, 'any.yaml');
          } catch (error) {
            assert.ok(error instanceof ConfigError && error.problems.length > 0, String(error));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('the environment', () => {
  test('overrides numbers, texts, switches, lists and entries of lists', () => {
    const config = parseConfig(minimal, 'a.yaml', {
      PARLEY_HTTP_PORT: '9000',
      PARLEY_SIGNIN_ISSUERS_0_CLIENTSECRET: '12345678',
      PARLEY_FEDERATION_ENABLED: 'false',
      PARLEY_FOCUS_PORTRANGE: '[50000, 50099]',
      PARLEY_HTTP_APP: 'null',
      PARLEY_CALLS_RINGSECONDS: '3',
      PATH: '/bin',
    });
    assert.equal(config.http.port, 9000);
    assert.equal(config.signIn.issuers[0]?.clientSecret, '12345678');
    assert.equal(config.federation.enabled, false);
    assert.deepEqual(config.focus.portRange, [50000, 50099]);
    assert.equal(config.http.app, null);
    assert.equal(config.calls.ringSeconds, 3);
  });

  test('a wrong value is named by its variable, a misspelt variable is refused', () => {
    assert.deepEqual(refusal(minimal, { PARLEY_HTTP_PORT: 'x' }), [
      'PARLEY_HTTP_PORT: http.port must be a number, not "x"',
    ]);
    assert.deepEqual(refusal(minimal, { PARLEY_HTTP_PROT: '1' }), ['PARLEY_HTTP_PROT: there is no such field']);
    assert.deepEqual(refusal(minimal, { PARLEY_SIGNIN_ISSUERS_3_NAME: 'x' }), [
      'PARLEY_SIGNIN_ISSUERS_3_NAME: there is nothing at signIn.issuers[3].name to override',
    ]);
  });
});

test('relative paths are taken from the folder of the file', () => {
  const file = join(folder, 'company.yaml');
  writeFileSync(file, minimal.replace('port: 8801', 'app: ../app').concat('storage: { file: data/x.db }\n'));
  const config = loadConfig(file, {});
  assert.equal(config.http.app, join(folder, '../app'));
  assert.equal(config.storage.file, join(folder, 'data/x.db'));
  assert.equal(config.federation.keyFile, join(folder, 'data/parley.key.json'));
});

test('the configuration for tests takes overrides by field', () => {
  const config = testConfig({ calls: { ringSeconds: 2 }, http: { origins: ['http://x.localhost:0'] } });
  assert.equal(config.calls.ringSeconds, 2);
  assert.equal(config.calls.transferSeconds, 15);
  assert.deepEqual(config.http.origins, ['http://x.localhost:0']);
});

describe('origins', () => {
  const fits = (pattern: string, origin: string) => {
    const parsed = parseOriginPattern(pattern);
    assert.ok(parsed, `${pattern} is no pattern`);
    return matchesOrigin(parsed, origin);
  };

  test('fit exactly, or one level below a wildcard', () => {
    assert.ok(fits('https://calls.example', 'https://calls.example'));
    assert.ok(fits('http://*.a.localhost:1', 'http://alice.a.localhost:1'));
    for (const [pattern, origin] of [
      ['https://calls.example', 'http://calls.example'],
      ['https://calls.example', 'https://calls.example:8443'],
      ['https://calls.example', 'https://calls.example.evil.example'],
      ['https://calls.example', 'https://calls.example/'],
      ['https://calls.example', 'null'],
      ['https://calls.example', ''],
      ['http://*.a.localhost:1', 'http://a.localhost:1'],
      ['http://*.a.localhost:1', 'http://x.y.a.localhost:1'],
      ['http://*.a.localhost:1', 'http://evila.localhost:1'],
      ['http://*.a.localhost:1', 'http://.a.localhost:1'],
      ['http://*.a.localhost:1', 'http://alice.a.localhost:2'],
    ] as const) {
      assert.equal(fits(pattern, origin), false, `${origin} must not fit ${pattern}`);
    }
  });

  test('with anything more than an origin are no patterns', () => {
    for (const text of [
      'calls.example',
      'ftp://a.example',
      'https://a.example/x',
      'https://u@a.example',
      'https://a.*.b',
      '',
    ]) {
      assert.equal(parseOriginPattern(text), null, text);
    }
  });
});
