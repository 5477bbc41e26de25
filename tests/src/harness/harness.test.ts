// The harness itself, on a plain page: what it calls seen and heard must really be that, or the scenario proves nothing.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Browsers, openBrowsers } from './browser.ts';
import { judgeReceived, judgeSent } from './frames.ts';
import { FRAMES, markBlocks, readBlocks } from './mark.ts';
import { audiblePlayers, readMark, tones, waitForMark, waitForTone } from './senses.ts';

/** Sends the camera and microphone to itself over a pair of peer connections, as a call would. */
const page = `<!doctype html><meta charset="utf-8"><div data-testid="tile-me"><video autoplay muted playsinline></video></div>
<audio autoplay data-parley-address="me@a.example"></audio>
<script type="module">
const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
a.onicecandidate = (e) => b.addIceCandidate(e.candidate);
b.onicecandidate = (e) => a.addIceCandidate(e.candidate);
b.ontrack = ({ track }) => {
  document.querySelector(track.kind === 'audio' ? 'audio' : 'video').srcObject = new MediaStream([track]);
};
for (const track of media.getTracks()) a.addTrack(track, media);
await a.setLocalDescription();
await b.setRemoteDescription(a.localDescription);
await b.setLocalDescription();
await a.setRemoteDescription(b.localDescription);
</script>`;

describe('marks', () => {
  it('are read back, and never from another picture', () => {
    for (const person of [1, 7, 31]) {
      for (const frame of [0, 13, FRAMES - 1]) {
        const brightness = markBlocks({ person, frame }).map((white): number => (white ? 210 : 40));
        assert.deepEqual(readBlocks(brightness), { person, frame });
        brightness[0] = 255 - (brightness[0] ?? 0);
        assert.equal(readBlocks(brightness), null);
      }
    }
    assert.equal(readBlocks(new Array(32).fill(128)), null);
  });
});

describe('messages', () => {
  it('pass only if the protocol has them', () => {
    const asked = new Map<string | number, string>();
    const request = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    assert.equal(judgeSent(request('session.hello', { version: 1 }), asked), null);
    assert.notEqual(judgeReceived('{"jsonrpc":"2.0","id":1,"result":{}}', asked), null);
    assert.notEqual(judgeSent(request('session.hello', { version: 1, more: 1 }), asked), null);
    assert.notEqual(judgeSent(request('no.such', {}), asked), null);
    const told = { jsonrpc: '2.0', method: 'presence.changed', params: { address: 'a@b.example', presence: 'away' } };
    assert.equal(judgeReceived(JSON.stringify({ ...told, seq: 1 }), asked), null);
    assert.notEqual(judgeReceived(JSON.stringify(told), asked), null);
  });
});

describe('eyes and ears', () => {
  let browsers: Browsers;
  let server: Server;
  let one: Page;
  before(async () => {
    server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browsers = await openBrowsers();
    ({ page: one } = await browsers.open(3));
    await one.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  });
  after(async () => {
    await browsers.close();
    server.close();
  });

  it('see who is shown, in motion', async () => {
    await waitForMark(one, 'tile-me', 3, 10_000);
    assert.equal((await readMark(one, 'tile-me'))?.person, 3);
    assert.equal(await readMark(one, 'tile-nobody'), null);
  });

  it('hear who is played, and nobody else', async () => {
    await waitForTone(one, 'me@a.example', 3, [1, 2, 4, 5], 10_000);
    assert.equal(await tones(one, 'other@a.example', [3]), null);
    await assert.rejects(waitForTone(one, 'me@a.example', 4, [3], 500), /was not heard/);
  });

  it('see nothing in a hidden picture and hear nothing of a muted player', async () => {
    assert.equal(await audiblePlayers(one, 'me@a.example'), 1);
    await one.evaluate(() => {
      for (const audio of document.querySelectorAll('audio')) audio.muted = true;
      for (const video of document.querySelectorAll('video')) video.hidden = true;
    });
    assert.equal(await audiblePlayers(one, 'me@a.example'), 0);
    assert.equal(await readMark(one, 'tile-me'), null);
  });
});
