// The texts of recording and of receiving the mix; all others are in strings.ts.
import type { CallNotice, RecordingView } from '@parley/client';
import { listOfNames } from './strings.ts';

export const recordingText = {
  menu: 'More',
  menuLabel: 'More for this call',
  mixed: 'One picture of everybody',
  mixedHint: 'For a weak device or a narrow network: everybody else comes as one picture and one sound.',
  mixedNot: 'The conference service cannot do this.',
  mixedDirect: 'Only in a conference: here there is nothing to put together.',
  mixTile: 'Everybody else in one picture',
  record: 'Record this call',
  recordHint: 'Begins when everybody has agreed.',
  recordNot: 'No recordings can be made of this call.',
  stop: 'Stop the recording',
  running: 'Recording',
  starting: 'The recording begins …',
  waitingFor: (names: readonly string[]) => `Recording? Waiting for ${listOfNames(names)}`,
  enteringSoon: (names: readonly string[]) =>
    `${listOfNames(names)} ${names.length === 1 ? 'is' : 'are'} asked to agree`,
  takeBack: 'Withdraw',
  stopShort: 'Stop',
  askTitle: (name: string) => `${name} asks to record this call`,
  runningTitle: 'This call is being recorded',
  askDetail:
    'The recording holds the sound and picture of everybody. It begins only if all agree, and anybody can stop it at any time. All who are in it can fetch the file, but for guests.',
  runningDetail:
    'If you agree, you come in and are in the recording. If you do not, it stops for everybody, and you come in then. All who are in it can fetch the file, but for guests.',
  agree: 'I agree',
  refuse: 'Do not record',
  stopForMe: 'Stop the recording',
  list: 'Recordings',
  none: 'There are no recordings that you are in.',
  download: 'Download',
  downloadOf: (when: string) => `Download the recording of ${when}`,
  deletedOn: (when: string) => `Deleted on ${when}`,
} as const;

/** What the sign on every screen says. */
export function recordingSign({ state, awaited }: RecordingView): string {
  const names = awaited.map(({ name }) => name);
  if (state === 'asked') return recordingText.waitingFor(names);
  if (state === 'starting') return recordingText.starting;
  return names.length > 0 ? `${recordingText.running}. ${recordingText.enteringSoon(names)}` : recordingText.running;
}

/** Why there is no recording any more. */
export function recordingEndText({ person, error, recordingEnd }: CallNotice): string {
  const name = person?.name ?? 'Somebody';
  switch (recordingEnd) {
    case 'refused':
      return `${name} does not want to be recorded. Nothing is recorded.`;
    case 'stopped':
      return `${name} stopped the recording`;
    case 'not-answered':
      return 'Not everybody said whether they agree. Nothing is recorded.';
    case 'moved':
      return 'The recording has ended, because the call moved to another conference service';
    case 'limit':
      return 'The recording has reached its longest time and has ended';
    default:
      return error?.message ?? 'The call could not be recorded';
  }
}

export function sizeText(bytes: number): string {
  const megabytes = bytes / 1_000_000;
  return megabytes < 1
    ? `${Math.max(1, Math.round(bytes / 1000))} kB`
    : `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
}
