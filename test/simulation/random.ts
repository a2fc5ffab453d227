/**
 * Seeded randomness: equal seeds give equal draws, on every machine.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand, public domain): small, fast, and good
 * enough to draw delays and faults.
 */

export type Random = {
  /** 0 <= x < 1. */
  float(): number;
  /** Both bounds are included. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A stream of its own: what one part draws does not move what another part draws. */
  fork(stream: number): Random;
};

export function randomOf(seed: number): Random {
  const next = sfc32(seed);
  for (let round = 0; round < 12; round += 1) next();
  const float = () => next() / 2 ** 32;
  const integer = (min: number, max: number) => min + Math.floor(float() * (max - min + 1));
  return {
    float,
    integer,
    chance: (probability) => float() < probability,
    pick(from) {
      const picked = from[integer(0, from.length - 1)];
      if (picked === undefined) throw new Error("expected something to pick from");
      return picked;
    },
    fork: (stream) => randomOf((Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b)) >>> 0),
  };
}

function sfc32(seed: number): () => number {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x5eed;
  let counter = 1;
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
}
