// Inside the page: a made-up microphone and camera at the browser's boundary, and a recorder of what the page plays and
// shows. Put there before the app's own code; it touches nothing of the SDK.

export interface Recorder {
  /** Begins to record what is played and shown for an address. */
  record(address: string): Promise<void>;
  /** What was recorded: sound as 8,000 samples a second, in base64 of 16-bit integers; and frames. */
  stop(): Promise<{ sound: string; shown: { at: number; frame: number }[]; until: number }>;
  /** Ends the sound and picture that is sent, for so long: to see whether the instrument sees it. */
  pause(ms: number): Promise<void>;
  /** Ends the connections that brought something when the recording began, for comparison. */
  breakOff(): void;
}

declare global {
  interface Window {
    recorder: Recorder;
  }
}

export interface PageOptions {
  /** One period of the noise, at 48,000 samples a second. */
  readonly noise: readonly number[];
  readonly framesPerSecond: number;
  /** Digits of a frame's number. */
  readonly frameBits: number;
  /** Sends silence: the listeners hear all that comes as one, and what is measured is one voice. */
  readonly silent: boolean;
}

export function installRecorder({ noise, framesPerSecond, frameBits, silent }: PageOptions): void {
  const [WIDTH, HEIGHT] = [320, 180];
  const BLOCK = 20;
  /** Samples in one message of the recorder; a whole number of quanta of 128. */
  const BATCH = 38 * 128;
  /** A minute. */
  const MAX_BATCHES = 600;
  let context: AudioContext | undefined;
  const theContext = () => {
    context ??= new AudioContext({ sampleRate: 48_000 });
    return context;
  };
  const script = (text: string) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  let loud: GainNode | undefined;
  let still = false;

  function microphone(): MediaStreamTrack | undefined {
    const audio = theContext();
    const buffer = audio.createBuffer(1, noise.length, 48_000);
    buffer.copyToChannel(new Float32Array(noise), 0);
    const source = new AudioBufferSourceNode(audio, { buffer, loop: true });
    loud = new GainNode(audio, { gain: silent ? 0 : 1 });
    const out = audio.createMediaStreamDestination();
    source.connect(loud).connect(out);
    source.start();
    return out.stream.getAudioTracks()[0];
  }

  function camera(): MediaStreamTrack | undefined {
    const canvas = document.createElement('canvas');
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const paint = canvas.getContext('2d');
    let frame = 0;
    const draw = () => {
      if (!paint || still) return;
      frame += 1;
      paint.fillStyle = `hsl(${(frame * 3) % 360} 40% 45%)`;
      paint.fillRect(0, 0, WIDTH, HEIGHT - 2 * BLOCK);
      for (let bit = 0; bit < frameBits; bit += 1) {
        const white = ((frame >> bit) & 1) === 1;
        paint.fillStyle = white ? 'white' : 'black';
        paint.fillRect(bit * BLOCK, HEIGHT - 2 * BLOCK, BLOCK, BLOCK);
        paint.fillStyle = white ? 'black' : 'white';
        paint.fillRect(bit * BLOCK, HEIGHT - BLOCK, BLOCK, BLOCK);
      }
    };
    draw();
    // By a worker: timers of the page itself are late whenever it is busy, and that is no fault of what is measured.
    new Worker(script(`setInterval(() => postMessage(0), ${1000 / framesPerSecond})`)).onmessage = draw;
    return canvas.captureStream(framesPerSecond).getVideoTracks()[0];
  }

  const devices = navigator.mediaDevices;
  devices.getUserMedia = async (wanted) => {
    const tracks = [wanted?.audio ? microphone() : undefined, wanted?.video ? camera() : undefined];
    return new MediaStream(tracks.filter((track) => track !== undefined));
  };

  const connections = new Set<RTCPeerConnection>();
  let receiving: RTCPeerConnection[] = [];
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

  let address = '';
  let chunks: Float32Array[] = [];
  let shown: { at: number; frame: number }[] = [];
  let node: AudioWorkletNode | undefined;
  const watched = new WeakSet<HTMLVideoElement>();
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const reading = canvas.getContext('2d', { willReadFrequently: true });

  /**
   * All that this window plays, as one: attached to single players, a recorder would be another one with each new player, at
   * the very moment that is measured, and hear the distance between two of them by its own buffers.
   */
  async function listenToWindow(): Promise<MediaStreamTrack> {
    const asItIs = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const wanted = { audio: asItIs, video: { frameRate: 1 }, preferCurrentTab: true, selfBrowserSurface: 'include' };
    const stream = await devices.getDisplayMedia(wanted);
    for (const track of stream.getVideoTracks()) track.stop();
    const [sound] = stream.getAudioTracks();
    if (!sound) throw new Error('the sound of this window cannot be recorded');
    return sound;
  }

  function readFrame(video: HTMLVideoElement): number | null {
    if (!reading) return null;
    reading.drawImage(video, 0, 0, WIDTH, HEIGHT);
    const { data } = reading.getImageData(0, HEIGHT - 2 * BLOCK, frameBits * BLOCK, 2 * BLOCK);
    const green = (x: number, y: number) => data[4 * (y * frameBits * BLOCK + x) + 1] ?? 0;
    let frame = 0;
    for (let bit = 0; bit < frameBits; bit += 1) {
      const x = bit * BLOCK + BLOCK / 2;
      const [plain, inverse] = [green(x, BLOCK / 2), green(x, BLOCK + BLOCK / 2)];
      if (Math.abs(plain - inverse) < 60) return null;
      if (plain > inverse) frame |= 1 << bit;
    }
    return frame;
  }

  function watch(video: HTMLVideoElement): void {
    if (watched.has(video)) return;
    watched.add(video);
    /** What would be seen if the picture were not hidden behind another. */
    let hidden: { at: number; frame: number } | null = null;
    const isHidden = () => video.style.opacity === '0';
    const each = (_: number, { expectedDisplayTime }: VideoFrameCallbackMetadata) => {
      video.requestVideoFrameCallback(each);
      hidden = null;
      if (!video.isConnected || video.dataset.parleyAddress !== address) return;
      const frame = readFrame(video);
      if (frame === null) return;
      if (isHidden()) hidden = { at: expectedDisplayTime, frame };
      else shown.push({ at: expectedDisplayTime, frame });
    };
    video.requestVideoFrameCallback(each);
    // A picture that comes to the front shows the frame it has, not only its next one.
    new MutationObserver(() => {
      if (!hidden || isHidden()) return;
      shown.push({ at: Math.max(hidden.at, performance.now()), frame: hidden.frame });
      hidden = null;
    }).observe(video, { attributeFilter: ['style'] });
  }

  /** Pictures come and go with the paths; an app's are in the shadow roots of its components. */
  function look(root: ParentNode): void {
    for (const element of root.querySelectorAll('*')) {
      if (element instanceof HTMLVideoElement && element.dataset.parleyAddress === address) watch(element);
      if (element.shadowRoot) observe(element.shadowRoot);
    }
  }
  const observed = new WeakSet<Node>();
  function observe(root: Document | ShadowRoot): void {
    if (!observed.has(root)) {
      observed.add(root);
      new MutationObserver(() => address && look(root)).observe(root, { childList: true, subtree: true });
    }
    look(root);
  }

  window.recorder = {
    async record(of) {
      const audio = theContext();
      await audio.resume();
      if (!node) {
        await audio.audioWorklet.addModule(
          script(`registerProcessor('recorder', class extends AudioWorkletProcessor {
            // A message for each tenth of a second: one for each 128 samples would cost more than what is measured.
            heard = new Float32Array(${BATCH});
            length = 0;
            process([input]) {
              if (input[0]) this.heard.set(input[0], this.length);
              this.length += 128;
              if (this.length < ${BATCH}) return true;
              this.port.postMessage(this.heard, [this.heard.buffer]);
              this.heard = new Float32Array(${BATCH});
              this.length = 0;
              return true;
            }
          });`),
        );
        node = new AudioWorkletNode(audio, 'recorder', { channelCount: 1, channelCountMode: 'explicit' });
        audio.createMediaStreamSource(new MediaStream([await listenToWindow()])).connect(node);
        // What is recorded is not played, or it would be recorded.
        const sink = new GainNode(audio, { gain: 0 });
        node.connect(sink).connect(audio.destination);
        node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
          if (chunks.length < MAX_BATCHES) chunks.push(data);
        };
      }
      address = of;
      observe(document);
      chunks = [];
      shown = [];
      const brings = (receiver: RTCRtpReceiver) => receiver.getSynchronizationSources().length > 0;
      receiving = [...connections].filter((one) => one.getReceivers().some(brings));
    },
    async stop() {
      const until = performance.now();
      const taken = chunks.splice(0);
      const frames = shown.splice(0);
      // 48,000 to 8,000: the mean of six is filter enough for noise that ends at 3,400 Hz.
      const all = new Float32Array(taken.length * BATCH);
      taken.forEach((chunk, i) => void all.set(chunk, i * BATCH));
      const small = new Int16Array(Math.floor(all.length / 6));
      for (let i = 0; i < small.length; i += 1) {
        let sum = 0;
        for (let k = 0; k < 6; k += 1) sum += all[6 * i + k] ?? 0;
        small[i] = Math.max(-32768, Math.min(32767, Math.round((sum / 6) * 32767)));
      }
      let text = '';
      const bytes = new Uint8Array(small.buffer);
      for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
      return { sound: btoa(text), shown: frames, until };
    },
    async pause(ms) {
      still = true;
      const audio = theContext();
      const begin = audio.currentTime + 0.02;
      loud?.gain.setValueAtTime(0, begin);
      loud?.gain.setValueAtTime(1, begin + ms / 1000);
      await new Promise((resolve) => setTimeout(resolve, ms));
      still = false;
    },
    breakOff() {
      for (const connection of receiving) connection.close();
    },
  };
}
