// The sending half of a connection: which own tracks it carries and how much the picture may take.
import type { LocalTracks } from './path.ts';

export interface Senders {
  attach(audio: RTCRtpSender | null, video: RTCRtpSender | null): void;
  publish(tracks: LocalTracks): void;
  limitVideo(bitsPerSecond: number): void;
}

export function createSenders(): Senders {
  let audio: RTCRtpSender | null = null;
  let video: RTCRtpSender | null = null;
  let tracks: LocalTracks = { audio: null, video: null };
  let limit: number | null = null;
  /** What the present video sender has been told. */
  let told: number | null = null;
  let telling = false;

  // A closed connection refuses both, and needs neither.
  const replace = (sender: RTCRtpSender | null, track: MediaStreamTrack | null) => {
    if (sender && sender.track !== track) sender.replaceTrack(track).catch(() => undefined);
  };

  /** Asked only for a change: each look at a sender's parameters holds the page up until its media threads answer. */
  async function tellLimit(): Promise<void> {
    if (telling) return;
    telling = true;
    for (let on = video; on && limit !== null && limit !== told; on = video) {
      const wanted = limit;
      const parameters = on.getParameters();
      const [encoding] = parameters.encodings ?? [];
      // Not negotiated yet: the next call finds it.
      if (!encoding) break;
      encoding.maxBitrate = wanted;
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
    void tellLimit();
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
  };
}
