// Part of the double of a Kurento server, for tests: its objects, who keeps them alive, what is connected with what, and
// what its operations answer. Messages and numbers of errors are those of the recorded exchange.
import { randomUUID } from 'node:crypto';

export class Refusal extends Error {
  readonly code: number;
  readonly type: string | undefined;
  constructor(code: number, message: string, type?: string) {
    super(message);
    this.code = code;
    this.type = type;
  }
}

/** What a WebRtcEndpoint does about media; the double itself has none. */
export interface EndpointMedia {
  processOffer(offer: string): Promise<string>;
  generateOffer(): Promise<string>;
  processAnswer(answer: string): Promise<string>;
  gatherCandidates(): Promise<void>;
  addIceCandidate(candidate: string): void;
  connect(sink: EndpointMedia, kind: 'AUDIO' | 'VIDEO'): void;
  disconnect(sink: EndpointMedia, kind: 'AUDIO' | 'VIDEO'): void;
  requestKeyframe(): void;
  stats(): Record<string, unknown>;
  close(): void;
}
export type Tell = (type: string, data: Record<string, unknown>) => void;
export type MediaFactory = (tell: Tell) => EndpointMedia;

export interface KurentoObject {
  readonly id: string;
  readonly type: string;
  readonly pipeline: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly tags: Map<string, string>;
  /** Sessions that keep it alive. */
  readonly refs: Set<string>;
  readonly calls: string[];
  name: string;
  negotiated: boolean;
  readonly media: EndpointMedia | null;
}

export interface Link {
  readonly source: string;
  readonly sink: string;
  readonly kind: 'AUDIO' | 'VIDEO';
}

const hierarchies: Record<string, string[]> = {
  WebRtcEndpoint: ['BaseRtpEndpoint', 'SdpEndpoint', 'SessionEndpoint', 'Endpoint', 'MediaElement', 'MediaObject'],
};
const elementEvents = [
  'ElementConnected',
  'ElementDisconnected',
  'MediaFlowInStateChanged',
  'MediaFlowOutStateChanged',
  'MediaTranscodingStateChanged',
  'Error',
];
const eventsOf: Record<string, readonly string[]> = {
  MediaPipeline: ['Error'],
  Composite: ['Error'],
  HubPort: elementEvents,
  RecorderEndpoint: [...elementEvents, 'Recording', 'Paused', 'Stopped', 'UriEndpointStateChanged'],
  WebRtcEndpoint: [
    ...elementEvents,
    ...['IceCandidateFound', 'IceGatheringDone', 'IceComponentStateChanged', 'NewCandidatePairSelected'],
    ...['DtlsConnectionStateChange', 'ConnectionStateChanged', 'MediaStateChanged', 'MediaSessionStarted'],
    'MediaSessionTerminated',
  ],
  ServerManager: ['ObjectCreated', 'ObjectDestroyed'],
};

const constructorParameters: Record<string, string | null> = {
  MediaPipeline: null,
  WebRtcEndpoint: 'mediaPipeline',
  RecorderEndpoint: 'mediaPipeline',
  Composite: 'mediaPipeline',
  HubPort: 'hub',
};

export const SERVER_MANAGER = 'manager_ServerManager';

export class ObjectStore {
  readonly all = new Map<string, KurentoObject>();
  readonly links: Link[] = [];
  readonly #makeMedia: MediaFactory | null;
  readonly #tell: (object: string, type: string, data: Record<string, unknown>) => void;
  readonly #info: unknown;

  constructor(
    makeMedia: MediaFactory | null,
    info: unknown,
    tell: (object: string, type: string, data: Record<string, unknown>) => void,
  ) {
    this.#makeMedia = makeMedia;
    this.#tell = tell;
    this.#info = info;
    this.#add(SERVER_MANAGER, 'ServerManager', '', {});
  }

  #add(id: string, type: string, pipeline: string, params: Record<string, unknown>): KurentoObject {
    const media =
      type === 'WebRtcEndpoint' ? (this.#makeMedia?.((event, data) => this.#tell(id, event, data)) ?? null) : null;
    const made: KurentoObject = {
      id,
      type,
      pipeline: pipeline || id,
      params,
      tags: new Map(),
      refs: new Set(),
      calls: [],
      name: id,
      negotiated: false,
      media,
    };
    this.all.set(id, made);
    return made;
  }

  find(id: unknown): KurentoObject {
    const found = typeof id === 'string' ? this.all.get(id) : undefined;
    if (!found) throw new Refusal(40101, `Object '${String(id)}' not found`, 'MEDIA_OBJECT_NOT_FOUND');
    return found;
  }

  create(qualified: unknown, params: Record<string, unknown>): KurentoObject {
    if (typeof qualified !== 'string') throw new Refusal(-32000, "'type' parameter is required");
    const type = qualified.replace(/^kurento\./, '');
    const needs = constructorParameters[type];
    if (needs === undefined) {
      throw new Refusal(40108, `Factory '${type}' not found`, 'MEDIA_OBJECT_NOT_AVAILABLE');
    }
    if (needs === null) return this.#add(`${randomUUID()}_kurento.${type}`, type, '', params);
    if (typeof params[needs] !== 'string') {
      throw new Refusal(40001, `'${needs}' parameter should be a string`, 'MARSHALL_ERROR');
    }
    const parent = this.find(params[needs]);
    return this.#add(`${parent.id}/${randomUUID()}_kurento.${type}`, type, parent.pipeline, params);
  }

  /** With everything below it. */
  release(id: string): void {
    for (const object of [...this.all.values()]) {
      if (object.id !== id && !object.id.startsWith(`${id}/`)) continue;
      this.all.delete(object.id);
      object.media?.close();
      for (const link of this.links.filter(({ source, sink }) => source === object.id || sink === object.id)) {
        this.#unlink(link);
      }
    }
  }

  /** A session has ended or lets an object go: what nobody keeps alive ends. */
  unref(session: string, id?: string): void {
    for (const object of this.all.values()) if (!id || object.id === id) object.refs.delete(session);
    for (const object of [...this.all.values()]) {
      const kept = [...this.all.values()].some((other) => {
        return (other.id === object.id || other.id.startsWith(`${object.id}/`)) && other.refs.size > 0;
      });
      if (!kept && object.id !== SERVER_MANAGER) this.release(object.id);
    }
  }

  supports(object: KurentoObject, event: unknown): void {
    if (typeof event === 'string' && eventsOf[object.type]?.includes(event)) return;
    throw new Refusal(40106, `Event '${String(event)}' not supported`, 'MEDIA_OBJECT_EVENT_NOT_SUPPORTED');
  }

  describe({ type }: KurentoObject): Record<string, unknown> {
    const hierarchy = (hierarchies[type] ?? ['MediaObject']).map((name) => `kurento.${name}`);
    return { hierarchy, qualifiedType: `kurento.${type}`, type };
  }

  #unlink(link: Link): void {
    this.links.splice(this.links.indexOf(link), 1);
    const source = this.all.get(link.source)?.media;
    const sink = this.all.get(link.sink)?.media;
    if (source && sink) source.disconnect(sink, link.kind);
    if (this.all.has(link.sink))
      this.#tell(link.sink, 'ElementDisconnected', { sink: link.sink, mediaType: link.kind });
  }

  async invoke(object: KurentoObject, operation: string, params: Record<string, unknown>): Promise<unknown> {
    object.calls.push(operation);
    const text = (name: string): string => {
      const value = params[name];
      if (typeof value !== 'string')
        throw new Refusal(40001, `'${name}' parameter should be a string`, 'MARSHALL_ERROR');
      return value;
    };
    if (/^set(MaxVideo(Send|Recv)Bandwidth|EncoderBitrate)$/.test(operation)) return null;
    switch (`${object.type} ${operation}`) {
      case 'ServerManager getInfo':
        return this.#info;
      case 'ServerManager getPipelines':
        return [...this.all.values()].filter(({ type }) => type === 'MediaPipeline').map(({ id }) => id);
      case 'WebRtcEndpoint processOffer':
      case 'WebRtcEndpoint processAnswer':
      case 'WebRtcEndpoint generateOffer':
        return this.#negotiate(object, operation, params);
      case 'WebRtcEndpoint gatherCandidates':
        if (object.media) await object.media.gatherCandidates();
        else this.#pretendToGather(object);
        return null;
      case 'WebRtcEndpoint addIceCandidate':
        // Whatever it is: also what is no candidate is a success.
        object.media?.addIceCandidate(String(Object(params.candidate).candidate));
        return null;
      case 'WebRtcEndpoint requestKeyframe':
        object.media?.requestKeyframe();
        return null;
      case 'RecorderEndpoint record':
        this.#tell(object.id, 'Recording', {});
        return null;
      case 'RecorderEndpoint stopAndWait':
        this.#tell(object.id, 'Stopped', {});
        return null;
    }
    switch (operation) {
      case 'getName':
        return object.name;
      case 'setName':
        object.name = text('name');
        return null;
      case 'addTag':
        object.tags.set(text('key'), text('value'));
        return null;
      case 'getTag': {
        const tag = object.tags.get(text('key'));
        if (tag === undefined) throw new Refusal(40110, 'Tag not found', 'MEDIA_OBJECT_TAG_KEY_NOT_FOUND');
        return tag;
      }
      case 'getStats':
        return object.media?.stats() ?? {};
      case 'connect':
      case 'disconnect':
        return this.#connect(object, this.find(text('sink')), operation, params.mediaType);
    }
    const count = Object.keys(params).length;
    throw new Refusal(40008, `Method '${operation}' with ${count} parameters not found`, 'MALFORMED_TRANSACTION');
  }

  #connect(source: KurentoObject, sink: KurentoObject, operation: string, mediaType: unknown): null {
    if (source.pipeline !== sink.pipeline)
      throw new Refusal(40301, 'Media elements do not share pipeline', 'CONNECT_ERROR');
    for (const kind of ['AUDIO', 'VIDEO'] as const) {
      if (mediaType !== undefined && mediaType !== kind) continue;
      // A sink has one source for each kind: the one before is taken from it.
      const before = this.links.find((link) => link.sink === sink.id && link.kind === kind);
      if (before && (operation === 'connect' || before.source === source.id)) this.#unlink(before);
      if (operation !== 'connect') continue;
      this.links.push({ source: source.id, sink: sink.id, kind });
      if (source.media && sink.media) source.media.connect(sink.media, kind);
      // Before the response of the call that causes it.
      this.#tell(source.id, 'ElementConnected', { sink: sink.id, mediaType: kind });
    }
    return null;
  }

  async #negotiate(object: KurentoObject, operation: string, params: Record<string, unknown>): Promise<string> {
    const { media } = object;
    if (operation === 'generateOffer') {
      this.#negotiateOnce(object);
      return media ? media.generateOffer() : pretendedOffer();
    }
    const key = operation === 'processOffer' ? 'offer' : 'answer';
    if (params[key] === undefined) throw new Refusal(40001, `'${key}' parameter should be a string`, 'MARSHALL_ERROR');
    const sdp = String(params[key]);
    if (!sdp.startsWith('v=0')) throw new Refusal(40201, 'Invalid SDP', 'SDP_PARSE_ERROR');
    if (operation === 'processOffer') this.#negotiateOnce(object);
    this.#tell(object.id, 'MediaSessionStarted', {});
    if (operation === 'processAnswer') return media ? media.processAnswer(sdp) : sdp;
    return media ? media.processOffer(sdp) : pretendedAnswer(sdp);
  }

  #negotiateOnce(object: KurentoObject): void {
    if (object.negotiated) throw new Refusal(40208, 'Endpoint already negotiated', 'SDP_END_POINT_ALREADY_NEGOTIATED');
    object.negotiated = true;
  }

  #pretendToGather({ id }: KurentoObject): void {
    const candidate = 'candidate:1 1 UDP 2015363327 127.0.0.1 40000 typ host';
    this.#tell(id, 'IceCandidateFound', {
      candidate: { __module__: 'kurento', __type__: 'IceCandidate', candidate, sdpMLineIndex: 0, sdpMid: '0' },
    });
    this.#tell(id, 'IceGatheringDone', {});
  }
}

/** A transport that leads nowhere, for a double without media. */
const nowhere = [
  'a=ice-ufrag:doub',
  'a=ice-pwd:thisleadsnowhereatall0000',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
];

/** As Kurento answers: all sections it was offered, without candidates. */
export function pretendedAnswer(offer: string, transport: readonly string[] = nowhere): string {
  const sections = offer.split(/\r\n(?=m=)/).slice(1);
  const mids = sections.map((section) => /a=mid:(\S+)/.exec(section)?.[1] ?? '');
  const body = sections.flatMap((section, index) => [
    section.slice(0, section.indexOf('\r\n')),
    'c=IN IP4 0.0.0.0',
    ...section.split('\r\n').filter((line) => /^a=(rtpmap|fmtp|rtcp-fb|extmap|rtcp-mux)/.test(line)),
    `a=mid:${mids[index]}`,
    'a=setup:active',
    ...transport,
    'a=recvonly',
  ]);
  return `${['v=0', 'o=- 3 3 IN IP4 0.0.0.0', 's=Kurento Media Server', 'c=IN IP4 0.0.0.0', 't=0 0', 'a=msid-semantic: WMS *', `a=group:BUNDLE ${mids.join(' ')}`, ...body].join('\r\n')}\r\n`;
}

/** As Kurento offers: AV1 before all other codecs, in both directions. */
export function pretendedOffer(
  transport: readonly string[] = nowhere,
  ssrcs: readonly [number, number] = [1001, 1002],
): string {
  const section = (mid: string, formats: string, lines: readonly string[], ssrc: number) => [
    `m=${mid.slice(0, 5)} 1 UDP/TLS/RTP/SAVPF ${formats}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    'a=sendrecv',
    'a=rtcp-mux',
    'a=setup:actpass',
    ...transport,
    ...lines,
    `a=ssrc:${ssrc} cname:user@host`,
  ];
  const lines = [
    ...['v=0', 'o=- 3 3 IN IP4 0.0.0.0', 's=Kurento Media Server', 'c=IN IP4 0.0.0.0', 't=0 0'],
    ...['a=msid-semantic: WMS *', 'a=group:BUNDLE audio0 video0'],
    ...section('audio0', '96 0', ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:0 PCMU/8000'], ssrcs[0]),
    ...section(
      'video0',
      '102 97 99',
      [
        ...['a=rtpmap:102 AV1/90000', 'a=rtpmap:97 VP8/90000', 'a=rtpmap:99 H264/90000'],
        ...['nack', 'nack pli', 'ccm fir', 'goog-remb'].map((feedback) => `a=rtcp-fb:97 ${feedback}`),
      ],
      ssrcs[1],
    ),
  ];
  return `${lines.join('\r\n')}\r\n`;
}
