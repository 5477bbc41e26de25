// The own microphone and camera. Muting keeps the sound track running in silence, so that no path ever lacks it; the
// camera is really off when it is off, light and all.
import { type MediaSwitches, ParleyError, sameSwitches } from '@parley/protocol';
import type { Readable } from './api.ts';
import { within } from './deadline.ts';
import { type LocalTracks, noTracks } from './path.ts';
import { createStore } from './readable.ts';

export interface LocalMedia {
  readonly tracks: Readable<LocalTracks>;
  /** What is really on. */
  readonly switches: Readable<MediaSwitches>;
  /** Errors: `no-microphone`. */
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  /** The screen is sent in place of the camera. */
  readonly sharing: Readable<boolean>;
  /** The browser lets the person choose what is shown; nothing changes if they choose nothing. Errors: `no-screen`. */
  setScreen(on: boolean): Promise<void>;
  /** Another device, by its id (`navigator.mediaDevices.enumerateDevices`); what is switched off stays off. */
  useMicrophone(id: string): Promise<void>;
  useCamera(id: string): Promise<void>;
  close(): void;
}

/** People need time to answer the browser's question. */
const CAPTURE_MS = 60_000;

const audioWishes: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const videoWishes: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 360 },
  frameRate: { ideal: 30 },
};

/**
 * Captures what is wanted and there. A missing device is done without; a microphone that exists but may not or cannot
 * be used is the error `no-microphone`.
 */
async function openLocalMedia(wanted: MediaSwitches): Promise<LocalMedia> {
  const first = await captureBoth(wanted.camera);
  return createLocalMedia(first, wanted);
}

/**
 * Captures beside what else is to be done if the browser will not ask the person; otherwise its question comes first, so
 * that nobody is rung for a person who then has no microphone. Errors: `no-microphone`, here or by `media`.
 * @param after what is more urgent: without a question to ask, capturing begins when this has settled
 */
export async function beginCapture(
  wanted: MediaSwitches,
  after: Promise<void> = Promise.resolve(),
): Promise<{ media: Promise<LocalMedia> }> {
  const granted = await captureIsGranted(wanted.camera);
  const media = granted ? after.then(() => openLocalMedia(wanted)) : openLocalMedia(wanted);
  // The failure is seen where it is awaited.
  media.catch(() => undefined);
  if (!granted) await media;
  return { media };
}

/** Whether the browser will capture without asking the person first. */
async function captureIsGranted(camera: boolean): Promise<boolean> {
  const names: PermissionName[] = camera ? ['microphone', 'camera'] : ['microphone'];
  try {
    const all = await Promise.all(names.map((name) => navigator.permissions.query({ name })));
    return all.every(({ state }) => state === 'granted');
  } catch {
    return false;
  }
}

async function captureBoth(camera: boolean): Promise<LocalTracks> {
  if (camera) {
    try {
      // One question for both.
      return await capture({ audio: audioWishes, video: videoWishes });
    } catch {
      // One of the two is missing or refused: each by itself.
    }
  }
  const audio = await captureAudio();
  const video = camera ? await captureVideo().catch(() => null) : null;
  return { audio, video };
}

async function captureAudio(id?: string): Promise<MediaStreamTrack | null> {
  try {
    return (await capture({ audio: id ? { ...audioWishes, deviceId: { exact: id } } : audioWishes })).audio;
  } catch (error) {
    // No microphone at all: one can still listen.
    if (!id && error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw new ParleyError('no-microphone', error instanceof Error ? error.name : undefined, { cause: error });
  }
}

async function captureVideo(id?: string): Promise<MediaStreamTrack | null> {
  return (await capture({ video: id ? { ...videoWishes, deviceId: { exact: id } } : videoWishes })).video;
}

/**
 * Whether the person closed the browser's window without choosing anything, which is no failure. Browsers report it by the same
 * error as a refusal of the system or of the page's own policy; only their words tell these apart.
 */
export function isNothingChosen(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotAllowedError' && !/system|polic/i.test(error.message);
}

/** Null if nothing is chosen; there is no hurry, so no deadline but the person's own. Errors: `no-screen`. */
async function captureScreen(): Promise<MediaStreamTrack | null> {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 10, max: 15 } } });
    const track = stream.getVideoTracks()[0] ?? null;
    // Letters have to be sharp; motion may be rough.
    if (track) track.contentHint = 'detail';
    return track;
  } catch (error) {
    if (isNothingChosen(error)) return null;
    throw new ParleyError('no-screen', undefined, { cause: error });
  }
}

async function capture(constraints: MediaStreamConstraints): Promise<LocalTracks> {
  if (!navigator.mediaDevices) throw new ParleyError('no-microphone', 'the page is not served securely');
  const captured = navigator.mediaDevices.getUserMedia(constraints);
  let late = false;
  // Captured after all, when nobody waits any more: the light must not stay on.
  captured.then(
    (stream) => late && stopAll(stream.getTracks()),
    () => undefined,
  );
  const stream = await within(CAPTURE_MS, captured, 'no-microphone').catch((error: unknown) => {
    late = true;
    throw error;
  });
  const audio = stream.getAudioTracks()[0] ?? null;
  const video = stream.getVideoTracks()[0] ?? null;
  if (audio) audio.contentHint = 'speech';
  if (video) video.contentHint = 'motion';
  return { audio, video };
}

function stopAll(tracks: readonly (MediaStreamTrack | null)[]): void {
  for (const track of tracks) track?.stop();
}

function createLocalMedia(first: LocalTracks, wanted: MediaSwitches): LocalMedia {
  const tracks = createStore<LocalTracks>(noTracks);
  const switches = createStore<MediaSwitches>({ microphone: false, camera: false });
  const sharing = createStore(false);
  let closed = false;
  let { audio, video: camera } = first;
  let screen: MediaStreamTrack | null = null;
  /** The last wish wins, while a capture takes its time. */
  let cameraWish = wanted.camera;
  let screenWish = false;

  /** The screen stands in for the camera: one picture is sent, so no path has to be negotiated anew. */
  function show(): void {
    const next: LocalTracks = { audio, video: screen ?? camera };
    const before = tracks.get();
    if (before.audio !== next.audio || before.video !== next.video) tracks.set(next);
    if (sharing.get() !== (screen !== null)) sharing.set(screen !== null);
    const on = { microphone: audio?.enabled ?? false, camera: next.video !== null };
    const now: MediaSwitches = screen ? { ...on, screen: true } : on;
    if (!sameSwitches(switches.get(), now)) switches.set(now);
  }

  /** Unplugged, the permission taken back, or the sharing ended in the browser's own bar. */
  function watch(track: MediaStreamTrack | null): MediaStreamTrack | null {
    track?.addEventListener('ended', () => {
      if (track === audio) audio = null;
      else if (track === camera) camera = null;
      else if (track === screen) screen = null;
      else return;
      show();
    });
    return track;
  }

  /** Puts what was captured in the place of what was there; false if nobody wants it any more. */
  function replaceAudio(next: MediaStreamTrack | null): boolean {
    if (closed) {
      stopAll([next]);
      return false;
    }
    if (next && audio) next.enabled = audio.enabled;
    const before = audio;
    audio = watch(next);
    show();
    stopAll([before]);
    return true;
  }

  watch(audio);
  watch(camera);
  if (audio) audio.enabled = wanted.microphone;
  show();

  return {
    tracks,
    switches,
    sharing,
    async setMicrophone(on) {
      if (!audio && on) {
        const captured = await captureAudio();
        if (!captured) throw new ParleyError('no-microphone');
        if (!replaceAudio(captured)) return;
      }
      if (audio) audio.enabled = on;
      show();
    },
    async setCamera(on) {
      cameraWish = on;
      if (!on) {
        const before = camera;
        camera = null;
        show();
        stopAll([before]);
        return;
      }
      if (camera) return;
      const captured = await captureVideo().catch((error: unknown) => {
        throw new ParleyError('no-microphone', 'the camera cannot be used', { cause: error });
      });
      if (closed || !cameraWish || camera) return stopAll([captured]);
      camera = watch(captured);
      show();
    },
    async setScreen(on) {
      screenWish = on;
      if (!on) {
        const before = screen;
        screen = null;
        show();
        stopAll([before]);
        return;
      }
      if (screen) return;
      const captured = await captureScreen();
      if (closed || !screenWish || screen) return stopAll([captured]);
      screen = watch(captured);
      show();
    },
    async useMicrophone(id) {
      replaceAudio(await captureAudio(id));
    },
    async useCamera(id) {
      const captured = await captureVideo(id).catch((error: unknown) => {
        throw new ParleyError('no-microphone', 'the camera cannot be used', { cause: error });
      });
      if (closed) return stopAll([captured]);
      cameraWish = true;
      const before = camera;
      camera = watch(captured);
      show();
      stopAll([before]);
    },
    close() {
      if (closed) return;
      closed = true;
      const all = [audio, camera, screen];
      audio = null;
      camera = null;
      screen = null;
      show();
      stopAll(all);
    },
  };
}
