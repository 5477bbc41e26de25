// What a browser page does in the contract tests: publishes a coloured, moving picture and a tone, receives what it is
// offered, and says what it sees and hears. Plain WebRTC, nothing of the client library, so that only the engine is tested.
/* global navigator, document, window, RTCPeerConnection, MediaStream, AudioContext, setInterval, clearInterval */
const audio = new AudioContext();
const receiving = new Map();
const waiting = new Map();
const ears = new Map();
let sending = null;
let drawing = 0;

function makeTracks({ colour, tone }) {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 360;
  const paint = canvas.getContext('2d');
  let frame = 0;
  clearInterval(drawing);
  const draw = () => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 640, 360);
    paint.fillStyle = 'white';
    paint.fillRect((frame * 7) % 640, 0, 20, 60);
    frame += 1;
  };
  draw();
  drawing = setInterval(draw, 50);
  const oscillator = audio.createOscillator();
  oscillator.frequency.value = tone;
  const out = audio.createMediaStreamDestination();
  oscillator.connect(out);
  oscillator.start();
  return [...out.stream.getAudioTracks(), ...canvas.captureStream(20).getVideoTracks()];
}

function trickle(pc, legOf) {
  pc.onicecandidate = ({ candidate }) => candidate?.candidate && window.candidate(legOf(), candidate.toJSON());
}

window.peer = {
  /** The offer, at once; its candidates follow by `candidate('', ...)`. The connection before is kept until `stopOld`. */
  async offer(look) {
    const pc = new RTCPeerConnection();
    for (const track of makeTracks(look)) pc.addTransceiver(track, { direction: 'sendonly' });
    trickle(pc, () => '');
    await pc.setLocalDescription();
    if (sending) window.oldSending = sending;
    sending = pc;
    return pc.localDescription.sdp;
  },
  async answered(sdp) {
    await sending.setRemoteDescription({ type: 'answer', sdp });
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
  /** Decibels of a tone in what arrives in a section. */
  loudness(leg, mid, tone) {
    const analyser = ears.get(window.peer.track(leg, mid));
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
  async received(leg, mid) {
    const found = {
      framesDecoded: 0,
      keyFramesDecoded: 0,
      packetsReceived: 0,
      frameWidth: 0,
      freezeCount: 0,
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
      if (entry.type !== 'outbound-rtp' || entry.kind !== 'video') continue;
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
