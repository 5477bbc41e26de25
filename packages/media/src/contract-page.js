// What a browser page does in the contract tests: publishes a coloured, moving picture and a tone, receives what it is
// offered, and says what it sees and hears. Plain WebRTC, nothing of the client library, so that only the engine is tested.
/* global navigator, document, window, location, RTCPeerConnection, RTCRtpSender, MediaStream, MediaRecorder, Blob, setInterval,
   clearInterval, AudioContext, OfflineAudioContext */
const audio = new AudioContext();
const receiving = new Map();
const waiting = new Map();
const ears = new Map();
let sending = null;
let drawing = 0;
/** Without a sound card Firefox starts no AudioContext: it sends the tone of its fake microphone, and what it hears is
 * recorded and looked at afterwards. */
const soundCard = location.hash !== '#no-sound-card';
const recordings = new Map();

async function record(track) {
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, 500));
  recorder.stop();
  await stopped;
  const decoded = await new OfflineAudioContext(1, 48_000, 48_000).decodeAudioData(await new Blob(parts).arrayBuffer());
  return decoded.getChannelData(0).slice(-9600);
}

/** Decibels below full scale of a tone in samples at 48 kHz. */
function level(samples, tone) {
  let [inPhase, across, weight] = [0, 0, 0];
  samples.forEach((sample, n) => {
    const window = 1 - Math.cos((2 * Math.PI * n) / samples.length);
    const angle = (2 * Math.PI * tone * n) / 48_000;
    inPhase += sample * window * Math.cos(angle);
    across += sample * window * Math.sin(angle);
    weight += window;
  });
  return 20 * Math.log10((2 * Math.hypot(inPhase, across)) / weight || 1e-10);
}

async function makeSound(tone) {
  if (!soundCard) return (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  const oscillator = audio.createOscillator();
  oscillator.frequency.value = tone;
  const out = audio.createMediaStreamDestination();
  // Not at full scale: two such voices added by a mixer would be cut off, and the noise of that is everybody's tone.
  const quieter = audio.createGain();
  quieter.gain.value = 0.2;
  oscillator.connect(quieter).connect(out);
  oscillator.start();
  return out.stream.getAudioTracks();
}

/** @param look `width` in pixels; the picture is 16:9 */
async function makeTracks({ colour, tone, width }) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = (width * 9) / 16;
  const paint = canvas.getContext('2d');
  let frame = 0;
  clearInterval(drawing);
  const draw = () => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    paint.fillStyle = 'white';
    paint.fillRect((frame * 7) % width, 0, width / 32, width / 11);
    frame += 1;
  };
  draw();
  drawing = setInterval(draw, 50);
  return [...(await makeSound(tone)), ...canvas.captureStream(20).getVideoTracks()];
}

function trickle(pc, legOf) {
  pc.onicecandidate = ({ candidate }) => candidate?.candidate && window.candidate(legOf(), candidate.toJSON());
}

/** Asks for the time at which each sound and picture was taken, where the browser has that. */
function tellWhenTaken(pc) {
  for (const transceiver of pc.getTransceivers()) {
    const wanted = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
    const one = wanted.find(({ uri }) => uri.endsWith('/abs-capture-time'));
    // What the other side offers is agreed to as it is.
    if (!one || one.direction === 'sendrecv' || transceiver.mid !== null) continue;
    one.direction = 'sendrecv';
    transceiver.setHeaderExtensionsToNegotiate(wanted);
  }
}

window.peer = {
  /** The offer, at once; its candidates follow by `candidate('', ...)`. The connection before is kept until `stopOld`. */
  async offer(look, rids = [], prefer = {}) {
    const pc = new RTCPeerConnection();
    for (const track of await makeTracks(look)) {
      const sendEncodings = rids.map((rid, n) => ({ rid, active: n === 0, scaleResolutionDownBy: 2 ** n }));
      const made = pc.addTransceiver(track, {
        direction: 'sendonly',
        ...(track.kind === 'video' && { sendEncodings }),
      });
      const wanted = prefer[track.kind];
      const { codecs } = RTCRtpSender.getCapabilities(track.kind);
      const isWanted = ({ mimeType }) => mimeType === wanted;
      if (wanted) made.setCodecPreferences([...codecs.filter(isWanted), ...codecs.filter((one) => !isWanted(one))]);
    }
    trickle(pc, () => '');
    tellWhenTaken(pc);
    await pc.setLocalDescription();
    if (sending) window.oldSending = sending;
    sending = pc;
    return pc.localDescription.sdp;
  },
  async answered(sdp) {
    await sending.setRemoteDescription({ type: 'answer', sdp });
  },
  /** Sends these qualities of the picture and no others. */
  async want(rids) {
    const { sender } = sending.getTransceivers().find(({ sender }) => sender.track?.kind === 'video');
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
    await sender.setParameters(parameters);
  },
  /** The names of the qualities whose frames are being sent, by a look at two moments. */
  async sentRids() {
    const look = async () =>
      new Map(
        [...(await sending.getStats()).values()]
          .filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')
          .map(({ rid, framesSent }) => [rid, framesSent]),
      );
    const before = await look();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return [...(await look())].filter(([rid, sent]) => sent > (before.get(rid) ?? 0)).map(([rid]) => rid);
  },
  /** Bytes of payload in a packet of sound, on average. */
  async soundPacket() {
    const found = [...(await sending.getStats()).values()].find((e) => e.type === 'outbound-rtp' && e.kind === 'audio');
    return found.bytesSent / found.packetsSent;
  },
  /** Takes the track of a kind off, as a camera is switched off, or puts it back. */
  async send(kind, on) {
    const sender = sending.getSenders().find((one) => (one.track ?? one.was)?.kind === kind);
    sender.was ??= sender.track;
    await sender.replaceTrack(on ? sender.was : null);
  },
  /** As a microphone is muted: the track stays, in silence. */
  silence(on) {
    for (const { track } of sending.getSenders()) if (track?.kind === 'audio') track.enabled = !on;
  },
  stopOld() {
    window.oldSending?.close();
  },
  async answer(leg, sdp) {
    let pc = receiving.get(leg);
    if (!pc) {
      pc = new RTCPeerConnection();
      receiving.set(leg, pc);
      trickle(pc, () => leg);
      pc.ontrack = ({ track }) => {
        const element = document.createElement(track.kind);
        element.srcObject = new MediaStream([track]);
        element.muted = true;
        element.autoplay = true;
        document.body.append(element);
        track.element = element;
        if (track.kind !== 'audio' || ears.has(track)) return;
        const analyser = audio.createAnalyser();
        analyser.fftSize = 2048;
        analyser.smoothingTimeConstant = 0.2;
        audio.createMediaStreamSource(element.srcObject).connect(analyser);
        ears.set(track, analyser);
      };
    }
    const candidates = sdp.match(/^a=candidate:.*$/gm) ?? [];
    await pc.setRemoteDescription({ type: 'offer', sdp: sdp.replace(/^a=candidate:.*\r\n/gm, '') });
    tellWhenTaken(pc);
    await pc.setLocalDescription();
    waiting.set(leg, candidates);
    return pc.localDescription.sdp;
  },
  /** The engine has the answer: now it may be reached. */
  async connect(leg) {
    for (const line of waiting.get(leg) ?? []) {
      await receiving.get(leg).addIceCandidate({ candidate: line.slice(2), sdpMLineIndex: 0 });
    }
    waiting.delete(leg);
  },
  track(leg, mid) {
    return receiving
      .get(leg)
      ?.getTransceivers()
      .find((transceiver) => transceiver.mid === mid)?.receiver.track;
  },
  direction(leg, mid) {
    return (
      receiving
        .get(leg)
        ?.getTransceivers()
        .find((transceiver) => transceiver.mid === mid)?.currentDirection ?? null
    );
  },
  /** When the latest sound or picture of a section was taken, in milliseconds since 1970; null: that is not told. */
  taken(leg, mid) {
    const found = receiving
      .get(leg)
      ?.getTransceivers()
      .find((transceiver) => transceiver.mid === mid);
    const since1900 = found?.receiver.getSynchronizationSources()[0]?.captureTimestamp;
    return since1900 === undefined ? null : since1900 - 2_208_988_800_000;
  },
  /** Decibels of a tone in what arrives in a section. */
  async loudness(leg, mid, tone) {
    const track = window.peer.track(leg, mid);
    if (track && !soundCard) {
      // Asked for several tones at once, one recording is enough.
      const recording = recordings.get(track) ?? record(track).finally(() => recordings.delete(track));
      recordings.set(track, recording);
      return level(await recording, tone);
    }
    const analyser = ears.get(track);
    if (!analyser) return -200;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    return bins[Math.round((tone * analyser.fftSize) / audio.sampleRate)];
  },
  /** Why nothing may be heard: what has arrived and what plays it. */
  async audible(leg, mid) {
    const track = window.peer.track(leg, mid);
    const pc = receiving.get(leg);
    const arrived = [...((await pc?.getStats())?.values() ?? [])]
      .filter(({ type }) => type === 'inbound-rtp')
      .map(({ mid, kind, packetsReceived }) => ({ mid, kind, packetsReceived }));
    const { muted, element } = track ?? {};
    return { context: audio.state, muted, paused: element?.paused, connection: pc?.connectionState, arrived };
  },
  /** What leaves this page. */
  async outbound() {
    const out = [...(await sending.getStats()).values()].filter(({ type }) => type === 'outbound-rtp');
    return {
      context: audio.state,
      connection: sending.connectionState,
      sent: out.map(({ kind, packetsSent }) => ({ kind, packetsSent })),
    };
  },
  /** Red, green, blue of the middle of the picture in a section. */
  colour(leg, mid) {
    const element = window.peer.track(leg, mid)?.element;
    if (!element?.videoWidth) return null;
    const canvas = document.createElement('canvas');
    canvas.width = 16;
    canvas.height = 9;
    const context = canvas.getContext('2d');
    context.drawImage(element, 0, 0, 16, 9);
    return [...context.getImageData(8, 6, 1, 1).data.slice(0, 3)];
  },
  /** In which codec a section arrives. */
  async codec(leg, mid) {
    const report = await receiving.get(leg)?.getStats();
    const found = [...(report?.values() ?? [])].find((entry) => entry.type === 'inbound-rtp' && entry.mid === mid);
    return report?.get(found?.codecId)?.mimeType ?? null;
  },
  async received(leg, mid) {
    const found = {
      framesDecoded: 0,
      keyFramesDecoded: 0,
      packetsReceived: 0,
      frameWidth: 0,
      freezeCount: 0,
      totalFreezesDuration: 0,
      pliCount: 0,
    };
    for (const entry of (await receiving.get(leg)?.getStats())?.values() ?? []) {
      if (entry.type !== 'inbound-rtp' || entry.mid !== mid) continue;
      for (const name of Object.keys(found)) found[name] = entry[name] ?? found[name];
    }
    return found;
  },
  async sent() {
    for (const entry of (await sending.getStats()).values()) {
      if (entry.type !== 'outbound-rtp' || entry.kind !== 'video' || entry.active === false) continue;
      const { frameWidth, framesPerSecond, framesSent, qualityLimitationReason } = entry;
      return { frameWidth, framesPerSecond, framesSent, qualityLimitationReason };
    }
    return null;
  },
  close() {
    sending?.close();
    for (const pc of receiving.values()) pc.close();
  },
};
