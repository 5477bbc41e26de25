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

  // A closed connection refuses both, and needs neither.
  const replace = (sender: RTCRtpSender | null, track: MediaStreamTrack | null) => {
    if (sender && sender.track !== track) sender.replaceTrack(track).catch(() => undefined);
  };
  function apply(): void {
    replace(audio, tracks.audio);
    replace(video, tracks.video);
    const parameters = limit === null ? undefined : video?.getParameters();
    const encoding = parameters?.encodings?.[0];
    if (!video || !parameters || !encoding || limit === null || encoding.maxBitrate === limit) return;
    encoding.maxBitrate = limit;
    video.setParameters(parameters).catch(() => undefined);
  }

  return {
    attach(nextAudio, nextVideo) {
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
