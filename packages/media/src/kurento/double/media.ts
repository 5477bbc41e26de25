// Real media for the double of a Kurento server: WebRtcEndpoints that browsers connect with, and whose packets go where
// `connect` says, one sound and one picture each. It forwards only: no mixer, no recorder, nothing is coded anew.
import { randomInt } from 'node:crypto';
import { createPorts } from '../../embedded/ports.ts';
import { createReception, type Reception } from '../../embedded/reception.ts';
import {
  negativeAcknowledgement,
  pictureLossIndication,
  receiverEstimatedMaximumBitrate,
  receiverReport,
  walkRtcp,
} from '../../embedded/rtcp.ts';
import { isRtcp } from '../../embedded/rtp.ts';
import { allAttributes, parseDescription } from '../../embedded/sdp.ts';
import { openTransport, type Transport } from '../../embedded/transport.ts';
import { type EndpointMedia, pretendedAnswer, pretendedOffer, type Tell } from './objects.ts';

type Kind = 'AUDIO' | 'VIDEO';

const options = { listenAddress: '127.0.0.1', announcedAddress: null, ports: createPorts('127.0.0.1', [0, 0]) };
/** As in `pretendedOffer`. */
const payloadTypes: Record<Kind, number> = { AUDIO: 96, VIDEO: 97 };
const clockRates: Record<Kind, number> = { AUDIO: 48_000, VIDEO: 90_000 };
const KEPT = 1024;

/** What comes from a browser. */
interface Incoming {
  readonly kind: Kind;
  readonly payloadType: number;
  /** NaN as long as it is not known: a browser that offers several qualities names none. */
  ssrc: number;
  readonly reception: Reception;
  flowing: boolean;
}

/** What goes to a browser, whoever it comes from: one numbering. */
interface Outgoing {
  readonly ssrc: number;
  source: Endpoint | null;
  last: Endpoint | null;
  sequenceOffset: number;
  timestampOffset: number;
  highest: number;
  timestamp: number;
  readonly sent: Map<number, Buffer>;
}

class Endpoint implements EndpointMedia {
  readonly #tell: Tell;
  readonly #own = randomInt(1, 0xffffffff);
  readonly #sinks: Record<Kind, Set<Endpoint>> = { AUDIO: new Set(), VIDEO: new Set() };
  readonly #incoming: Incoming[] = [];
  readonly #outgoing: Record<Kind, Outgoing> = { AUDIO: outgoing(), VIDEO: outgoing() };
  readonly #counts = { packetsReceived: 0, packetsSent: 0, nackCount: 0, pliCount: 0, firCount: 0 };
  #transport: Transport | null = null;
  #timer: NodeJS.Timeout | undefined;
  #reported = true;
  #silent = 0;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  async processOffer(offer: string): Promise<string> {
    const { sections, transport } = parseDescription(offer);
    for (const { media, attributes, formats } of sections) {
      const kind: Kind = media === 'audio' ? 'AUDIO' : 'VIDEO';
      const ssrc = Number(allAttributes(attributes, 'ssrc')[0]?.split(' ')[0]);
      const reception = createReception(clockRates[kind]);
      this.#incoming.push({ kind, payloadType: Number(formats[0]), ssrc, reception, flowing: false });
    }
    await this.#open(transport);
    return pretendedAnswer(offer, this.#described());
  }

  async generateOffer(): Promise<string> {
    await this.#open(null);
    return pretendedOffer(this.#described(), [this.#outgoing.AUDIO.ssrc, this.#outgoing.VIDEO.ssrc]);
  }

  async processAnswer(answer: string): Promise<string> {
    this.#transport?.accept(parseDescription(answer).transport);
    return answer;
  }

  async #open(remote: Parameters<typeof openTransport>[1]): Promise<void> {
    this.#transport = await openTransport(options, remote, {
      open: () => {
        this.#tell('IceComponentStateChanged', { streamId: 1, componentId: 1, state: 'CONNECTED' });
        this.#tell('DtlsConnectionStateChange', {
          streamId: '1',
          componentId: '1',
          connectionId: '',
          state: 'CONNECTED',
        });
        this.#tell('ConnectionStateChanged', { oldState: 'DISCONNECTED', newState: 'CONNECTED' });
      },
      packet: (packet) => {
        if (isRtcp(packet)) this.#rtcp(packet);
        else this.#rtp(packet);
      },
      lost: () =>
        this.#tell('DtlsConnectionStateChange', { streamId: '1', componentId: '1', connectionId: '', state: 'CLOSED' }),
    });
    this.#timer = setInterval(() => this.#second(), 1000).unref();
  }

  #described(): string[] {
    const { ufrag, password, fingerprint } = this.#transport?.local ?? { ufrag: '', password: '', fingerprint: '' };
    return [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${password}`, `a=fingerprint:${fingerprint}`];
  }

  async gatherCandidates(): Promise<void> {
    for (const candidate of this.#transport?.local.candidates ?? []) {
      this.#tell('IceCandidateFound', { candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 } });
    }
    this.#tell('IceGatheringDone', {});
  }

  addIceCandidate(candidate: string): void {
    this.#transport?.addCandidate(candidate);
  }

  connect(sink: Endpoint, kind: Kind): void {
    this.#sinks[kind].add(sink);
    sink.#outgoing[kind].source = this;
  }

  disconnect(sink: Endpoint, kind: Kind): void {
    this.#sinks[kind].delete(sink);
    if (sink.#outgoing[kind].source === this) sink.#outgoing[kind].source = null;
  }

  requestKeyframe(): void {
    this.#outgoing.VIDEO.source?.askForKeyframe();
  }

  askForKeyframe(): void {
    for (const { kind, ssrc } of this.#incoming) {
      if (kind === 'VIDEO' && this.#transport?.send(pictureLossIndication(this.#own, ssrc))) this.#counts.pliCount += 1;
    }
  }

  #rtp(packet: Buffer): void {
    if (packet.length < 12) return;
    const ssrc = packet.readUInt32BE(8);
    const payloadType = packet.readUInt8(1) & 0x7f;
    const stream =
      this.#incoming.find((one) => one.ssrc === ssrc) ??
      this.#incoming.find((one) => Number.isNaN(one.ssrc) && one.payloadType === payloadType);
    if (!stream) return;
    stream.ssrc = ssrc;
    this.#counts.packetsReceived += 1;
    if (!stream.flowing) {
      stream.flowing = true;
      this.#tell('MediaFlowOutStateChanged', { state: 'FLOWING', padName: 'default', mediaType: stream.kind });
    }
    const gap = stream.reception.received(packet.readUInt16BE(2), packet.readUInt32BE(4), performance.now());
    if (gap && stream.kind === 'VIDEO') this.#askAgain(stream);
    for (const sink of this.#sinks[stream.kind]) sink.#pass(this, stream.kind, packet);
  }

  #askAgain({ ssrc, reception }: Incoming): void {
    const due = reception.due(performance.now());
    if (due.length > 0 && this.#transport?.send(negativeAcknowledgement(this.#own, ssrc, due))) {
      this.#counts.nackCount += due.length;
    }
  }

  #pass(from: Endpoint, kind: Kind, packet: Buffer): void {
    const to = this.#outgoing[kind];
    const copy = Buffer.from(packet);
    if (to.last !== from) {
      to.last = from;
      to.sequenceOffset = (to.highest + 1 - packet.readUInt16BE(2)) & 0xffff;
      to.timestampOffset = (to.timestamp + clockRates[kind] / 20 - packet.readUInt32BE(4)) >>> 0;
    }
    const sequence = (packet.readUInt16BE(2) + to.sequenceOffset) & 0xffff;
    const timestamp = (packet.readUInt32BE(4) + to.timestampOffset) >>> 0;
    copy.writeUInt8((packet.readUInt8(1) & 0x80) | payloadTypes[kind], 1);
    copy.writeUInt16BE(sequence, 2);
    copy.writeUInt32BE(timestamp, 4);
    copy.writeUInt32BE(to.ssrc, 8);
    if (((sequence - to.highest) & 0xffff) < 0x8000) {
      to.highest = sequence;
      to.timestamp = timestamp;
    }
    to.sent.set(sequence % KEPT, copy);
    if (this.#transport?.send(copy)) this.#counts.packetsSent += 1;
  }

  #rtcp(packet: Buffer): void {
    this.#reported = true;
    walkRtcp(packet, {
      keyframeRequest: (ssrc) => {
        if (ssrc !== this.#outgoing.VIDEO.ssrc) return;
        this.#counts.pliCount += 1;
        this.requestKeyframe();
      },
      nack: (ssrc, sequence) => {
        const { sent } = ssrc === this.#outgoing.VIDEO.ssrc ? this.#outgoing.VIDEO : this.#outgoing.AUDIO;
        const kept = sent.get(sequence % KEPT);
        if (kept?.readUInt16BE(2) === sequence && this.#transport?.send(kept)) this.#counts.nackCount += 1;
      },
      senderReport: (report) =>
        this.#incoming.find(({ ssrc }) => ssrc === report.ssrc)?.reception.senderReport(report, performance.now()),
    });
  }

  /** What a receiver reports, and whether anything is heard of the other side. */
  #second(): void {
    this.#silent = this.#reported ? 0 : this.#silent + 1;
    this.#reported = false;
    if (this.#silent === 5) this.#tell('MediaStateChanged', { oldState: 'CONNECTED', newState: 'DISCONNECTED' });
    const now = performance.now();
    const streams = this.#incoming.filter(({ ssrc }) => !Number.isNaN(ssrc));
    if (streams.length === 0) return;
    for (const stream of streams) if (stream.kind === 'VIDEO') this.#askAgain(stream);
    const blocks = streams.flatMap(({ ssrc, reception }) => reception.report(ssrc, now) ?? []);
    const ssrcs = streams.filter(({ kind }) => kind === 'VIDEO').map(({ ssrc }) => ssrc);
    this.#transport?.send(
      Buffer.concat([receiverReport(this.#own, blocks), receiverEstimatedMaximumBitrate(this.#own, 2_500_000, ssrcs)]),
    );
  }

  stats(): Record<string, unknown> {
    return { stream: { __type__: 'RTCInboundRTPStreamStats', type: 'inboundrtp', ...this.#counts } };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#transport?.close();
  }
}

function outgoing(): Outgoing {
  const ssrc = randomInt(1, 0xffffffff);
  return {
    ssrc,
    source: null,
    last: null,
    sequenceOffset: 0,
    timestampOffset: 0,
    highest: 0,
    timestamp: 0,
    sent: new Map(),
  };
}

/** For `openKurentoDouble`. */
export const realMedia = (tell: Tell): EndpointMedia => new Endpoint(tell);
