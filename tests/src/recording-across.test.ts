// A recording of people of two companies, between two real nodes: made where the conference is, whoever floods the nodes
// meanwhile, fetched by everybody who is in it at their own company, and by nobody else (R58). Kurento is a double here that
// writes a few bytes in place of film.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DemoPerson, startDemo } from '@parley/demo';
import { openKurentoDouble } from '@parley/media/kurento-double';
import { ask, type Line, openLine, signIn } from './attacks/visitor.ts';

const FILM = 'what was seen and heard';
const FLOOD = 3000;
const media = { microphone: true, camera: true };

interface Event {
  readonly n: number;
  readonly body: { readonly type: string; readonly [key: string]: unknown };
}

/** Resolves to the first event of this kind that a device is told of. */
async function event(line: Line, type: string): Promise<Event> {
  const eventsIn = (params: Record<string, unknown>) => (params.events ?? []) as readonly Event[];
  const isIt = ({ body }: Event) => body.type === type;
  const told = await line.toldOf('conversation.events', (params) => eventsIn(params).some(isIt));
  const found = eventsIn(told).find(isIt);
  assert.ok(found);
  return found;
}

test('a recording is fetched at the own company by who is in it, wherever it was made', async (t) => {
  const endings: (() => unknown)[] = [];
  // What was opened last is closed first.
  t.after(async () => {
    for (const end of endings.reverse()) await end();
  });
  const double = await openKurentoDouble();
  endings.push(() => double.stop());
  // The real one writes on its machine, where the node takes the file from.
  double.before = async ({ params }) => {
    if (params.operation !== 'stopAndWait') return;
    const file = fileURLToPath(String(double.objects('RecorderEndpoint')[0]?.params.uri));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, FILM);
  };

  const dataDirectory = await mkdtemp(join(tmpdir(), 'parley-recording-'));
  endings.push(() => rm(dataDirectory, { recursive: true, force: true }));
  const demo = await startDemo({
    ports: 'free',
    dataDirectory,
    engines: [{ id: 'kurento', kind: 'kurento', url: double.url }],
  });
  endings.push(() => demo.stop());
  const enter = async (login: string) => {
    const person = demo.people.find((someone) => someone.login === login) as DemoPerson;
    const { cookie } = await signIn(person);
    const url = `${person.origin.replace('http', 'ws')}/socket`;
    const line = await openLine(url, { cookie, origin: person.origin });
    endings.push(() => line.close());
    assert.equal((await line.say('session.hello', { version: 1 })).code, 'done');
    return { ...line, person, get: (path: string) => ask(`${person.origin}${path}`, { headers: { cookie } }) };
  };
  const [bob, alice, carol] = await Promise.all([enter('bob'), enter('alice'), enter('carol')]);
  // The device that floods may be cut off for it; what Alice is told comes to her other one.
  const alicesOther = await enter('alice');
  assert.notEqual(bob.person.company, alice.person.company);

  const started = await bob.say('call.start', { to: [alice.person.address], policy: 'conference', media });
  const { conversation } = started.result;
  await event(alice, 'added');
  assert.equal((await alice.say('call.accept', { conversation, media })).code, 'done');
  assert.equal((await alice.say('call.record', { conversation })).code, 'done');
  const { n: recording } = await event(bob, 'recording-asked');
  assert.equal((await bob.say('call.consent', { conversation, recording })).code, 'done');
  await Promise.all([event(alice, 'recording-started'), event(bob, 'recording-started')]);
  // A flood by somebody outside, and by one who is recorded: neither ends it, nor keeps it from ending (OWASP ASVS V17.2.7).
  const flood = JSON.stringify({ jsonrpc: '2.0', id: 'f', method: 'call.record', params: { conversation } });
  for (let n = 0; n < FLOOD; n += 1) for (const line of [carol, alice]) line.send(flood);
  assert.equal((await bob.say('call.stopRecording', { conversation, recording })).code, 'done');
  await Promise.all([event(alicesOther, 'recording-filed'), event(bob, 'recording-filed')]);

  const path = `/api/recordings/${encodeURIComponent(String(conversation))}/${recording}`;
  for (const person of [bob, alice]) {
    const { status, headers, body } = await person.get(path);
    assert.deepEqual([status, body], [200, FILM], person.person.name);
    assert.equal(headers['content-disposition'], `attachment; filename="recording-${recording}.webm"`);
    const listed = JSON.parse((await person.get('/api/recordings')).body);
    assert.deepEqual(
      listed.recordings.map((one: { bytes: number }) => one.bytes),
      [FILM.length],
    );
  }
  assert.equal((await carol.get(path)).code, 'recording-gone');
});
