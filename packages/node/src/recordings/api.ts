// What the rest of the node sees of kept recordings.
import type { ConversationId, RecordingFile } from '@parley/protocol';

/** A recording of a conference here, as it is kept. */
export interface KeptRecording {
  readonly conversation: ConversationId;
  /** Its number within the conversation. */
  readonly recording: number;
  /** The conference room that was recorded. */
  readonly room: string;
}

export interface Recordings {
  /** Throws `recording-storage-full` while there is no space for another one. */
  requireSpace(): Promise<void>;
  /**
   * Takes over the file that an engine has made. Null if it is too large to be kept: it is deleted then. Errors are
   * those of the file system.
   */
  keep(
    which: KeptRecording,
    made: { readonly url: string; readonly milliseconds: number },
  ): Promise<RecordingFile | null>;
  /** Nobody wants it: the conversation does not know of it. */
  discard(which: KeptRecording): Promise<void>;
  close(): void;
}
