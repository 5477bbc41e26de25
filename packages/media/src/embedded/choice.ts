// Which quality of which picture a receiver gets: what its tiles need, what its network carries, what there is. Pure.

/** One quality of a picture; listed from the full one down. */
export interface Quality {
  readonly height: number;
  /** Bits per second, as measured or as is to be expected. */
  readonly rate: number;
  /** Not: it has been asked for and does not come. */
  readonly usable: boolean;
  /** Packets of it have come of late. */
  readonly runs: boolean;
}

/** A picture may be shown a little larger than it is; nobody sees that. */
const STRETCH = 0.8;

/** The smallest quality that fills `wanted` pixels of height; 0, the full one, if none does. */
export function qualityForHeight(qualities: readonly Quality[], wanted: number): number {
  for (let index = qualities.length - 1; index > 0; index -= 1) {
    if ((qualities[index]?.height ?? 0) >= wanted * STRETCH) return index;
  }
  return 0;
}

/** `index`, or the nearest that comes: a smaller one first. */
export function nearestUsable(qualities: readonly Pick<Quality, 'usable'>[], index: number): number {
  const usable = (one: number) => qualities[one]?.usable ?? false;
  for (let one = index; one < qualities.length; one += 1) if (usable(one)) return one;
  for (let one = index; one >= 0; one -= 1) if (usable(one)) return one;
  return index;
}

/**
 * For whoever sees nothing yet: `index`, or what runs already while that one is begun. Nothing runs: the full one, with which
 * every sender begins.
 */
export function soonestSeen(qualities: readonly Quality[], index: number): number {
  const running = qualities.map(({ runs }) => ({ usable: runs }));
  return running.some(({ usable }) => usable) ? nearestUsable(running, index) : 0;
}

/** What a moving picture of this height needs, in bits per second: about 800 kbit/s for 640x360. */
export function usualRate(height: number): number {
  return Math.max(60_000, Math.min(2_500_000, height * height * 6));
}

export interface WishedPicture {
  readonly qualities: readonly Quality[];
  /** The best that makes sense, by size. */
  readonly best: number;
}

/**
 * Shares `limit` bits per second (null: no bound is known) among pictures, the most important first: everybody something,
 * then the first ones better, step by step. An index for each picture; null: there is no room for it. The first picture that
 * takes any always gets something, or nobody would see anything.
 */
export function allocate(limit: number | null, pictures: readonly WishedPicture[]): (number | null)[] {
  if (limit === null) return pictures.map(({ best }) => best);
  const rate = ({ qualities }: WishedPicture, index: number) => qualities[index]?.rate ?? 0;
  let left = limit;
  let seen = false;
  const chosen = pictures.map((picture): number | null => {
    const least = Math.max(picture.best, picture.qualities.length - 1);
    const cost = rate(picture, least);
    if (seen && cost > left) return null;
    seen ||= cost > 0;
    left -= cost;
    return least;
  });
  for (let raised = true; raised; ) {
    raised = false;
    pictures.forEach((picture, order) => {
      const now = chosen[order];
      if (now === undefined || now === null || now <= picture.best) return;
      const more = rate(picture, now - 1) - rate(picture, now);
      if (more > left) return;
      left -= more;
      chosen[order] = now - 1;
      raised = true;
    });
  }
  return chosen;
}

/** Below this share of what its size usually needs, the next smaller quality looks better. */
const WORTHWHILE = 0.4;
/** A camera is not asked to send less than this, in bits per second: nothing would be seen. */
const LEAST_CAMERA = 150_000;

/**
 * How much a sender's full picture may take, given what each of its receivers has room for (null: no bound): as much as the
 * one with the most room can take, if the others have smaller qualities to fall back on; else as much as everybody can.
 */
export function publishCap(rooms: readonly (number | null)[], qualities: readonly Quality[], most: number): number {
  const bounds = rooms.map((room) => room ?? most);
  if (bounds.length === 0) return most;
  const fair = qualities.length > 1 ? Math.max(...bounds) : Math.min(...bounds);
  const least = qualities.length > 1 ? WORTHWHILE * usualRate(qualities[0]?.height ?? 0) : LEAST_CAMERA;
  return Math.min(most, Math.max(least, fair));
}
