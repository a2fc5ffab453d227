// The examples of X.690, and values that OpenSSL's asn1parse reads back.
import { expect, test } from "vitest";
import {
  enumerated,
  integer,
  objectId,
  octetString,
  sequence,
} from "../../../simulator/src/certificate/der.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test.each([
  [0, "020100"],
  [127, "02017f"],
  [128, "02020080"],
  [255, "020200ff"],
  [256, "02020100"],
  [65_535, "020300ffff"],
])("the integer %d is written %s", (value, expected) => {
  expect(hex(integer(value))).toBe(expected);
});

test("an enumerated value has a tag of its own", () => {
  expect(hex(enumerated(1))).toBe("0a0101");
});

test.each([
  ["2.100.3", "0603813403"],
  ["1.2.840.113741.1.13.1", "06092a864886f84d010d01"],
  ["2.5.29.20", "0603551d14"],
])("the object identifier %s is written %s", (dotted, expected) => {
  expect(hex(objectId(dotted))).toBe(expected);
});

test.each([
  [0, "0400"],
  [127, "047f"],
  [128, "048180"],
  [255, "0481ff"],
  [256, "04820100"],
  [65_536, "0483010000"],
])("the length %d is written %s", (length, header) => {
  const written = hex(octetString(new Uint8Array(length)));
  expect(written.slice(0, header.length)).toBe(header);
  expect(written).toHaveLength(header.length + 2 * length);
});

test("a sequence holds its elements in their order", () => {
  expect(hex(sequence(integer(1), octetString(Uint8Array.of(2))))).toBe("3006020101040102");
  expect(hex(sequence())).toBe("3000");
});
