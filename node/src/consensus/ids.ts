/** The names of things. Brands keep one kind of number or text from standing in for another. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** One leader's reign, from 1; 0 is "none yet". Never falls, never repeats. */
export type Term = Brand<number, "Term">;
/** A member's lasting name: its wallet address, `0x` and 40 lower-case hex digits. */
export type MemberId = Brand<string, "MemberId">;
/** Ed25519 public key of one process start: 64 lower-case hex digits. Drawn anew at every start. */
export type BootKey = Brand<string, "BootKey">;
/** SHA-256, 64 lower-case hex digits. */
export type Hash = Brand<string, "Hash">;

export const term = (value: number): Term => value as Term;
export const memberId = (value: string): MemberId => value as MemberId;
export const bootKey = (value: string): BootKey => value as BootKey;
export const hash = (value: string): Hash => value as Hash;

/** The hash that precedes entry 1. */
export const noHash: Hash = hash("0".repeat(64));

/** Stands where a cold start names no boot; nobody holds its private key. */
export const noBoot: BootKey = bootKey("0".repeat(64));

/** SHA-256 over the 32 bytes of `previous` and then `bytes`. Handed in: the core imports nothing. */
export type Digest = (previous: Hash, bytes: Uint8Array) => Hash;

/** One live copy of a member, as the peer channel authenticated it. */
export type Boot = { readonly member: MemberId; readonly bootKey: BootKey };
