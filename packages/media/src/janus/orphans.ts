// Rooms and mountpoints on a server outlive the process that made them. Each says in its description whose it is, and which run of that
// process made it, so that the next run finds what was left behind.
import { type JanusId, roomListSchema } from './messages.ts';

const MARK = 'parley';

/** The description of a room. */
export function roomMark(owner: string, run: string, room: string): string {
  return [MARK, owner, run, room].map(encodeURIComponent).join(' ');
}

/** The rooms or mountpoints of this owner in a plugin's list that another run of it has made. Throws for what is no list. */
export function orphansOf(list: unknown, owner: string, run: string): JanusId[] {
  const own = [MARK, owner].map(encodeURIComponent).join(' ');
  return roomListSchema
    .parse(list)
    .list.filter(({ description }) => {
      const words = description.split(' ');
      return words.length === 4 && words.slice(0, 2).join(' ') === own && words[2] !== run;
    })
    .flatMap(({ room, id }) => room ?? id ?? []);
}
