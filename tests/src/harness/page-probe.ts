// Eyes and ears inside a page, put there before the app's own code. Looks only at what the page really shows and plays.
// Waiting is done here, too: to ask a page from outside takes ten times as long as to look.
import type { decodeMark, Mark, MarkLayout } from './mark.ts';

export interface PageProbe {
  /** The mark in the picture shown inside the element with this test id; null if there is none that can be read. */
  mark(testId: string): Mark | null;
  /** Resolves to null when this person is seen in the element, in motion; to what was last seen if that takes too long. */
  waitForMark(testId: string, person: number, patience: number): Promise<{ last: Mark | null } | null>;
  /** Level in dB of each frequency in what is played for an address, all its players together; null if nothing is. */
  tones(address: string, frequencies: readonly number[]): number[] | null;
  /**
   * Resolves to null when the first of the frequencies is louder than `audible` dB, and by `margin` than each of the others;
   * to what was last heard if that takes too long.
   */
  waitForTone(
    address: string,
    frequencies: readonly number[],
    level: { readonly audible: number; readonly margin: number },
    patience: number,
  ): Promise<{ last: number[] | null } | null>;
  /**
   * Begins to listen to what is played for an address, without a pause. Call what `listened` gives for what was noticed
   * since: the longest silence, and the longest time in which two players were loud, in milliseconds.
   */
  listen(address: string): void;
  listened(address: string): { silenceMs: number; doubleMs: number };
  /** Connections of this page that have not been closed. */
  connections(): number;
  /** Qualities of the own picture, of all connections, of which a frame is encoded in the next second; `''` has no rid. */
  encoding(): Promise<string[]>;
  /** How many players of sound for the address can be heard. */
  players(address: string): number;
  /**
   * When (milliseconds since 1970) the first picture of somebody appears in the element, and their first sound is
   * played. Rejects after `patience` milliseconds.
   */
  first(testId: string, address: string, patience: number): Promise<{ frameAt: number; soundAt: number }>;
  /** Clicks the element as soon as it is there; resolves to when that was. */
  clickWhenThere(testId: string, patience: number): Promise<number>;
  /** When the element with this test id was last clicked; null if never. */
  clickedAt(testId: string): number | null;
  /** Opens the sound device for listening, which holds the page up for a while: call it before anything is timed. */
  prepare(): void;
  /** When the element first appears. */
  appears(testId: string, patience: number): Promise<number>;
}

declare global {
  interface Window {
    parleyProbe: PageProbe;
  }
}

/** Runs in the page, by itself: it can use nothing from outside its own body. */
export function installProbe(decode: typeof decodeMark, layout: MarkLayout): void {
  // Walking through every element of every component, many times a second, would take the call's own time: the roots
  // are noted when they are made, and the browser searches them.
  const shadows = new Set<WeakRef<ShadowRoot>>();
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (this: Element, init: ShadowRootInit): ShadowRoot {
    const root = attachShadow.call(this, init);
    shadows.add(new WeakRef(root));
    return root;
  };
  const roots = function* (): Generator<Document | ShadowRoot> {
    yield document;
    for (const reference of shadows) {
      const root = reference.deref();
      if (!root) shadows.delete(reference);
      else if (root.isConnected) yield root;
    }
  };
  const all = (selector: string): Element[] => [...roots()].flatMap((root) => [...root.querySelectorAll(selector)]);
  const byTestId = (testId: string): Element | undefined => all(`[data-testid="${CSS.escape(testId)}"]`)[0];
  /** Whether `inner` is somewhere inside `outer`, shadow roots included. */
  const isWithin = (inner: Node, outer: Element): boolean => {
    for (let node: Node | null = inner; node; node = node instanceof ShadowRoot ? node.host : node.parentNode) {
      if (node === outer) return true;
    }
    return false;
  };

  const visible = (video: HTMLVideoElement): boolean => {
    if (video.videoWidth === 0 || video.readyState < 2 || video.getClientRects().length === 0) return false;
    return video.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  // During a change of path two pictures may lie on top of each other; the last one is in front.
  const pictureIn = (testId: string): HTMLVideoElement | undefined => {
    const tile = byTestId(testId);
    if (!tile) return undefined;
    return all('video')
      .filter((element) => element instanceof HTMLVideoElement)
      .filter((video) => isWithin(video, tile) && visible(video))
      .at(-1);
  };

  const audible = (address: string): HTMLAudioElement[] =>
    all('audio')
      .filter((element) => element instanceof HTMLAudioElement)
      .filter(
        (audio) =>
          audio.dataset.parleyAddress === address &&
          !audio.muted &&
          !audio.paused &&
          audio.volume > 0 &&
          audio.srcObject instanceof MediaStream &&
          audio.srcObject.getAudioTracks().some((track) => track.readyState === 'live' && track.enabled),
      );

  // In portions of a twentieth of a second: in Chromium's usual ones of a hundredth it takes an eighth of a core, in every
  // window, all the time.
  let context: AudioContext | undefined;
  const listeningContext = () => {
    context ??= new AudioContext({ latencyHint: 0.05 });
    return context;
  };
  const analysers = new WeakMap<MediaStreamTrack, AnalyserNode>();
  const analyserOf = (audio: HTMLAudioElement): AnalyserNode | undefined => {
    const track = audio.srcObject instanceof MediaStream ? audio.srcObject.getAudioTracks()[0] : undefined;
    if (!track) return undefined;
    const known = analysers.get(track);
    if (known) return known;
    const analyser = listeningContext().createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    listeningContext()
      .createMediaStreamSource(new MediaStream([track]))
      .connect(analyser);
    analysers.set(track, analyser);
    return analyser;
  };

  // Looking costs the page time that the call needs.
  const LOOK_MS = 10;
  const eachMoment = <T>(patience: number, what: string, look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const end = performance.now() + patience;
      const turn = () => {
        const found = look();
        if (found !== undefined) resolve(found);
        else if (performance.now() > end) reject(new Error(`${what} did not happen in ${patience} ms`));
        else setTimeout(turn, LOOK_MS);
      };
      turn();
    });

  const clicks = new Map<string, number>();
  addEventListener(
    'click',
    (event) => {
      for (const target of event.composedPath()) {
        if (target instanceof HTMLElement && target.dataset.testid) clicks.set(target.dataset.testid, Date.now());
      }
    },
    { capture: true },
  );

  const canvas = new OffscreenCanvas(320, 180);
  const drawing = canvas.getContext('2d', { willReadFrequently: true });
  const mark = (testId: string): Mark | null => {
    const video = pictureIn(testId);
    if (!video || !drawing) return null;
    drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
    const scale = canvas.width / layout.width;
    const brightness = layout.areas.map(({ x, y, size }) => {
      const side = Math.max(1, Math.round(size * scale));
      const { data } = drawing.getImageData(Math.round(x * scale), Math.round(y * scale), side, side);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i + 1] ?? 0;
      return sum / (data.length / 4);
    });
    return decode(brightness, layout);
  };

  /** As often as a new picture of a fake camera comes. */
  const WAIT_MS = 100;
  /** Looks until `look` gives null, and resolves to what it last gave. */
  const inTime = async <T>(patience: number, look: () => T | null): Promise<T | null> => {
    const end = performance.now() + patience;
    for (;;) {
      const found = look();
      if (found === null || performance.now() > end) return found;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  };

  const clickable = (testId: string): HTMLElement | undefined => {
    const element = byTestId(testId);
    return element instanceof HTMLElement && element.getClientRects().length > 0 ? element : undefined;
  };

  /** Connections that live; one that is closed stays closed. */
  const connections = new Set<RTCPeerConnection>();
  const { RTCPeerConnection: Native } = window;
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

  const framesEncoded = async (): Promise<Map<string, { rid: string; frames: number }>> => {
    const all = new Map<string, { rid: string; frames: number }>();
    const reports = await Promise.all([...connections].map((connection) => connection.getStats()));
    reports.forEach((report, index) => {
      for (const one of report.values()) {
        if (one.type !== 'outbound-rtp' || one.kind !== 'video') continue;
        const { rid = '', framesEncoded: frames = 0, id } = one as RTCOutboundRtpStreamStats;
        all.set(`${index} ${id}`, { rid, frames });
      }
    });
    return all;
  };

  /** Of what an element plays right now. */
  const loudness = (audio: HTMLAudioElement): number => {
    // Longer than the portions in which sound comes.
    const wave = new Float32Array(4096);
    analyserOf(audio)?.getFloatTimeDomainData(wave);
    return audio.volume * wave.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  };
  const LISTEN_MS = 20;
  /** After a longer pause between two looks the page was held up, and what was played meanwhile is not known. */
  const HELD_UP_MS = 120;
  const listening = new Map<string, { stop: () => void; silenceMs: number; doubleMs: number }>();
  const listen = (address: string): void => {
    listening.get(address)?.stop();
    const noticed = { silenceMs: 0, doubleMs: 0, stop: () => clearInterval(timer) };
    let last = performance.now();
    let silent = 0;
    let double = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      const passed = now - last > HELD_UP_MS ? 0 : now - last;
      last = now;
      const loud = audible(address).filter((audio) => loudness(audio) > 0.003).length;
      silent = loud > 0 ? 0 : silent + passed;
      double = loud > 1 ? double + passed : 0;
      noticed.silenceMs = Math.max(noticed.silenceMs, silent);
      noticed.doubleMs = Math.max(noticed.doubleMs, double);
    }, LISTEN_MS);
    listening.set(address, noticed);
  };

  window.parleyProbe = {
    listen,
    listened(address) {
      const noticed = listening.get(address);
      noticed?.stop();
      listening.delete(address);
      return { silenceMs: noticed?.silenceMs ?? 0, doubleMs: noticed?.doubleMs ?? 0 };
    },
    connections: () => connections.size,
    async encoding() {
      const before = await framesEncoded();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const after = await framesEncoded();
      const grown = [...after].filter(([id, { frames }]) => frames > (before.get(id)?.frames ?? 0));
      return grown.map(([, { rid }]) => rid).sort();
    },
    prepare() {
      listeningContext();
    },
    mark,
    waitForMark(testId, person, patience) {
      let first: Mark | null = null;
      return inTime(patience, () => {
        const last = mark(testId);
        if (last?.person !== person) return { last };
        first ??= last;
        return first.frame !== last.frame ? null : { last };
      });
    },
    waitForTone(address, frequencies, { audible: least, margin }, patience) {
      return inTime(patience, () => {
        const last = window.parleyProbe.tones(address, frequencies);
        const [own = Number.NEGATIVE_INFINITY, ...rest] = last ?? [];
        return own > least && rest.every((level) => own > level + margin) ? null : { last };
      });
    },
    tones(address, frequencies) {
      const players = audible(address);
      if (players.length === 0) return null;
      return frequencies.map((frequency) => {
        const levels = players.map((audio) => {
          const analyser = analyserOf(audio);
          if (!analyser) return Number.NEGATIVE_INFINITY;
          const bins = new Float32Array(analyser.frequencyBinCount);
          analyser.getFloatFrequencyData(bins);
          const middle = Math.round((frequency * analyser.fftSize) / analyser.context.sampleRate);
          return Math.max(...bins.slice(middle - 2, middle + 3)) + 20 * Math.log10(audio.volume);
        });
        return Math.max(...levels);
      });
    },
    players: (address) => audible(address).length,
    async first(testId, address, patience) {
      const frame = eachMoment(patience, `a first picture in ${testId}`, () =>
        pictureIn(testId) ? Date.now() : undefined,
      );
      const sound = eachMoment(patience, `a first sound of ${address}`, () => {
        const heard = audible(address).some((audio) => {
          const analyser = analyserOf(audio);
          const wave = new Float32Array(512);
          if (!analyser) return false;
          analyser.getFloatTimeDomainData(wave);
          return wave.some((sample) => Math.abs(sample) > 0.003);
        });
        return heard ? Date.now() : undefined;
      });
      return { frameAt: await frame, soundAt: await sound };
    },
    clickWhenThere: (testId, patience) =>
      eachMoment(patience, `${testId} to click`, () => {
        const element = clickable(testId);
        element?.click();
        return element && Date.now();
      }),
    clickedAt: (testId) => clicks.get(testId) ?? null,
    appears: (testId, patience) =>
      eachMoment(patience, `${testId} to appear`, () => (clickable(testId) ? Date.now() : undefined)),
  };
}
