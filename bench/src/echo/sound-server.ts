// A sound card that is none: PulseAudio with one loudspeaker and one microphone, which hears all that the loudspeaker plays, as
// loud as it is and without delay but its own. It is a process of ours with a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface SoundServer {
  /** For the environment variable PULSE_SERVER. */
  readonly address: string;
  close(): Promise<void>;
}

const START_MS = 10_000;

/** Throws if there is no PulseAudio here, or it does not start. */
export async function openSoundServer(): Promise<SoundServer> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-sound-'));
  const socket = join(folder, 'native');
  const modules = [
    `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
    'module-null-sink sink_name=loudspeaker rate=48000',
    // Programs do not offer a loudspeaker's own monitor as a microphone.
    'module-remap-source master=loudspeaker.monitor source_name=microphone',
  ];
  const args = [
    '-n',
    '--daemonize=no',
    '--exit-idle-time=-1',
    '--disable-shm',
    '--high-priority=yes',
    '--realtime=yes',
    ...modules.flatMap((m) => ['-L', m]),
  ];
  const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder };
  const server: ChildProcess = spawn('pulseaudio', args, { env, stdio: 'ignore' });
  let failed: Error | null = null;
  server.once('error', (error) => {
    failed = error;
  });
  server.once('exit', (code) => {
    failed ??= new Error(`pulseaudio ended with ${code}`);
  });
  const close = async () => {
    if (server.exitCode === null && server.pid !== undefined) {
      const gone = once(server, 'exit');
      server.kill();
      await gone;
    }
    await rm(folder, { recursive: true, force: true });
  };
  for (const until = Date.now() + START_MS; !existsSync(socket); await pause(20)) {
    if (!failed && Date.now() < until) continue;
    await close();
    throw new Error('This needs PulseAudio (Debian: apt-get install pulseaudio).', { cause: failed });
  }
  return { address: `unix:${socket}`, close };
}
