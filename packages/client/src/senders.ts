// The sending half of a connection: which own tracks it carries and how much the picture may take.
import type { LocalTracks } from './path.ts';

export interface Senders {
  attach(audio: RTCRtpSender | null, video: RTCRtpSender | null): void;
  publish(tracks: LocalTracks): void;
  /** The full picture's; smaller qualities have their own. */
  limitVideo(bitsPerSecond: number): void;
  /** Sends these qualities of the picture and no others, where there are several. */
  wantQualities(rids: readonly string[]): void;
}

export function createSenders(): Senders {
  let audio: RTCRtpSender | null = null;
  let video: RTCRtpSender | null = null;
  let tracks: LocalTracks = { audio: null, video: null };
  let limit: number | null = null;
  let qualities: readonly string[] | null = null;
  /** What the present video sender has been told. */
  let told: string | null = null;
  let telling = false;

  // A closed connection refuses both, and needs neither.
  const replace = (sender: RTCRtpSender | null, track: MediaStreamTrack | null) => {
    if (sender && sender.track !== track) sender.replaceTrack(track).catch(() => undefined);
  };

  /** Asked only for a change: each look at a sender's parameters holds the page up until its media threads answer. */
  async function tellVideo(): Promise<void> {
    if (telling) return;
    telling = true;
    const wish = () => `${limit} ${qualities}`;
    for (let on = video; on && (limit !== null || qualities !== null) && wish() !== told; on = video) {
      const wanted = wish();
      const parameters = on.getParameters();
      const [encoding] = parameters.encodings ?? [];
      // Not negotiated yet: the next call finds it.
      if (!encoding) break;
      if (limit !== null) encoding.maxBitrate = limit;
      for (const one of parameters.encodings) if (qualities && one.rid) one.active = qualities.includes(one.rid);
      const done = await on.setParameters(parameters).then(
        () => true,
        () => false,
      );
      if (!done) break;
      if (on === video) told = wanted;
    }
    telling = false;
  }

  function apply(): void {
    replace(audio, tracks.audio);
    replace(video, tracks.video);
    void tellVideo();
  }

  return {
    attach(nextAudio, nextVideo) {
      if (nextVideo !== video) told = null;
      audio = nextAudio;
      video = nextVideo;
      apply();
    },
    publish(next) {
      tracks = next;
      apply();
    },
    limitVideo(bitsPerSecond) {
      limit = bitsPerSecond;
      apply();
    },
    wantQualities(rids) {
      qualities = rids;
      apply();
    },
  };
}
