// Runs inside the test pages: the SDK, and eyes and ears to observe what it really puts on the page.
import { type Call, connect, nodeInfo, type Session } from '../src/index.ts';

declare global {
  interface Window {
    test: typeof helpers;
  }
}

/** Live objects of this page, counted from outside the SDK. */
const connections = new Set<RTCPeerConnection>();
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.add(this);
  }
  override close(): void {
    connections.delete(this);
    super.close();
  }
};
const captured = new Set<MediaStreamTrack>();
const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await capture(constraints);
  for (const track of stream.getTracks()) captured.add(track);
  return stream;
};

let session: Session | null = null;
let removeView: (() => void)[] = [];

function theSession(): Session {
  if (!session) throw new Error('not connected');
  return session;
}
function theCall(): Call {
  const call = theSession().call.get();
  if (!call) throw new Error('no call');
  return call;
}

function waitFor<T>(read: () => T | null | undefined | false, what: string, ms = 10_000): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = performance.now() + ms;
    const look = () => {
      const value = read();
      if (value) resolve(value);
      else if (performance.now() > end) reject(new Error(`waited in vain: ${what}`));
      else setTimeout(look, 10);
    };
    look();
  });
}

/** Root mean square of what the loud <audio> elements play within the next tenth of a second. */
async function heard(): Promise<number> {
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  for (const element of document.querySelectorAll('audio')) {
    if (!(element.srcObject instanceof MediaStream)) continue;
    const gain = context.createGain();
    gain.gain.value = element.volume;
    context.createMediaStreamSource(element.srcObject).connect(gain).connect(analyser);
  }
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  // The fake microphone beeps once a second.
  const end = performance.now() + 1500;
  while (performance.now() < end && loudest < 0.001) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length));
  }
  await context.close();
  return loudest;
}

/** Resolves once nothing has been heard for one and a half seconds: the jitter buffer plays on for a moment. */
async function silence(): Promise<void> {
  const end = performance.now() + 10_000;
  while ((await heard()) >= 0.001) if (performance.now() > end) throw new Error('waited in vain: silence');
}

const helpers = {
  nodeInfo: () => nodeInfo(),
  session: theSession,
  call: theCall,
  waitFor,
  heard,
  silence,
  async connect() {
    session = await connect();
  },
  async start(to: string | string[], options = {}) {
    await theSession().startCall(to, options);
  },
  ringing: () => waitFor(() => theSession().incoming.get()[0]?.from.address, 'a ring'),
  notRinging: () => waitFor(() => theSession().incoming.get().length === 0, 'the ringing to stop'),
  async accept(options = {}) {
    await theSession().incoming.get()[0]?.accept(options);
  },
  view: () => theCall().view.get(),
  phase: (phase: string) => waitFor(() => theCall().view.get().phase === phase, `phase ${phase}`),
  show(address: string) {
    const tiles = document.querySelector<HTMLElement>('#tiles');
    if (tiles) removeView.push(theCall().showVideo(address as never, tiles));
  },
  hide() {
    for (const remove of removeView) remove();
    removeView = [];
  },
  /** Resolves with the milliseconds until the first frame from now on is presented. */
  async frame() {
    const start = performance.now();
    const video = await waitFor(() => document.querySelector<HTMLVideoElement>('#tiles video'), 'a video element');
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    return performance.now() - start;
  },
  connected: () =>
    waitFor(() => [...connections].some((pc) => pc.connectionState === 'connected'), 'a connected peer connection'),
  isConnected: () => [...connections].some((pc) => pc.connectionState === 'connected'),
  counts: () => ({
    connections: connections.size,
    audio: document.querySelectorAll('audio').length,
    video: document.querySelectorAll('video').length,
    capturing: [...captured].filter((track) => track.readyState === 'live').length,
  }),
  sentTracks: () =>
    [...connections].flatMap((pc) =>
      pc
        .getSenders()
        .filter((s) => s.track)
        .map((s) => s.track?.kind),
    ),
};
window.test = helpers;
