// Every attack there is, in the order in which they can be tried, and how one is judged.
import type { Attack } from './attack.ts';
import { deviceAttacks } from './devices.ts';
import { documentAttacks } from './documents.ts';
import { doorAttacks } from './doors.ts';
import { floodAttacks } from './floods.ts';
import { guestAttacks } from './guests.ts';
import { hostAttacks } from './hosts.ts';
import { linkAttacks, rogueAttacks } from './links.ts';
import { logAttacks } from './logs.ts';
import { mediaAttacks } from './media.ts';
import { pageAttacks } from './pages.ts';
import { proofAttacks } from './proofs.ts';
import type { World } from './world.ts';

export interface Result {
  readonly name: string;
  readonly by: Attack['by'];
  /** As expected, and nothing was changed by it. */
  readonly refused: boolean;
  readonly code: string;
  readonly expected: string;
  readonly unchanged: boolean;
}

export const attacks: readonly Attack[] = [
  ...doorAttacks,
  ...proofAttacks,
  ...documentAttacks,
  ...pageAttacks,
  ...hostAttacks,
  ...deviceAttacks,
  ...guestAttacks,
  ...mediaAttacks,
  ...linkAttacks,
  ...rogueAttacks,
  // They take so long that the room of a conference which nobody has come to would be given up meanwhile.
  ...floodAttacks,
  ...logAttacks,
];

/** Tries one, and looks whether those who are attacked notice anything. */
export async function carryOut({ name, by, refusedWith, attempt }: Attack, world: World): Promise<Result> {
  const before = await world.state();
  const code = await attempt(world).catch((error: unknown) => String(error));
  const unchanged = (await world.state()) === before;
  return { name, by, refused: code === refusedWith && unchanged, code, expected: refusedWith, unchanged };
}
