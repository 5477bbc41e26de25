// ICE candidates (RFC 8839 section 5.1): which of a browser's are passed to the native library, and which address the
// engine's own are given. The library looks names up by DNS, so only literal addresses reach it.
import { isIP, isIPv4 } from 'node:net';
import type { IceCandidate } from '../engine.ts';

const MAX_CANDIDATE_CHARACTERS = 512;
const shape =
  /^(?:a=)?(candidate:[\w+/]{1,32} \d{1,5} udp \d{1,10} ([0-9A-Fa-f.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay))(?: |$)/i;

/** The part of a candidate line the library needs, or undefined if it is no usable UDP candidate with a literal address. */
export function usableCandidate(line: string): string | undefined {
  if (line.length > MAX_CANDIDATE_CHARACTERS) return undefined;
  const found = shape.exec(line.trim());
  const [, kept, address, port] = found ?? [];
  if (!kept || !address || isIP(address) === 0) return undefined;
  return Number(port) >= 1 && Number(port) <= 65535 ? kept : undefined;
}

/** As `usableCandidate`, from what a browser sends beside its description. */
export function usableInit({ candidate }: IceCandidate): string | undefined {
  return usableCandidate(candidate);
}

/**
 * The engine's own candidates as told to browsers: each host candidate of the same family carries `announced` instead of
 * the local address (a router in front translates it). Duplicates that arise are dropped.
 */
export function announcedCandidates(candidates: readonly string[], announced: string | null): string[] {
  if (!announced) return [...candidates];
  const made = candidates.flatMap((line) => {
    const fields = line.split(' ');
    const address = fields[4];
    if (!address || fields[7] !== 'host') return [line];
    if (isIPv4(address) !== isIPv4(announced)) return [];
    fields[4] = announced;
    return [fields.join(' ')];
  });
  const seen = new Set<string>();
  return made.filter((line) => {
    const fields = line.split(' ');
    const key = `${fields[4]} ${fields[5]}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The local port of a connection, as its own host candidate has it; null without one. */
export function localPort(candidates: readonly string[]): number | null {
  const host = candidates.map((line) => line.split(' ')).find((fields) => fields[7] === 'host');
  return host ? Number(host[5]) : null;
}
