import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fields, jsonFields, queryFields } from "../../../simulator/src/http/fields.ts";

const json = (value: unknown): Fields => jsonFields(Buffer.from(JSON.stringify(value)));
const query = (text: string): Fields => queryFields(new URLSearchParams(text));

describe("JSON", () => {
  test("leaves defaults where a field is missing", () => {
    for (const fields of [json({}), jsonFields(new Uint8Array())]) {
      expect(fields.text("a")).toBe("");
      expect(fields.flag("a")).toBe(false);
      expect(fields.bytes("a")).toEqual(new Uint8Array());
      expect(fields.texts("a")).toEqual([]);
      expect(fields.seconds("a")).toBeUndefined();
    }
  });

  test("may say null for an optional field alone", () => {
    expect(json({ a: null }).seconds("a")).toBeUndefined();
    expect(() => json({ a: null }).text("a")).toThrow("expected a string, got null");
    expect(() => json({ a: null }).flag("a")).toThrow("expected a boolean, got null");
    expect(() => json({ a: null }).texts("a")).toThrow("expected an array of strings, got null");
  });

  test.each([[3], ["true"], [["x", 1]], [{}]])("refuses %j as flag, list and seconds", (value) => {
    if (typeof value !== "number") expect(() => json({ a: value }).seconds("a")).toThrow("seconds");
    expect(() => json({ a: value }).flag("a")).toThrow("invalid type for a: expected a boolean");
    expect(() => json({ a: value }).texts("a")).toThrow("invalid type for a: expected an array");
  });

  test.each([-1, 1.5, 2 ** 53])("refuses %d seconds", (value) => {
    expect(() => json({ a: value }).seconds("a")).toThrow("expected a whole number of seconds");
  });

  test.each(["[]", "null", "3", "{", "\u00ff"])("refuses %s as a body", (body) => {
    expect(() => jsonFields(Buffer.from(body, "latin1"))).toThrow("expected a JSON object");
  });

  test("does not find inherited fields", () => {
    expect(json({}).text("constructor")).toBe("");
    expect(jsonFields(Buffer.from('{"__proto__": {"a": "b"}}')).text("a")).toBe("");
  });
});

describe("hex", () => {
  test.each([
    ["", ""],
    ["0xAbCd", "abcd"],
    ["0x0x0x00ff", "00ff"],
  ])("%s is read", (text, bytes) => {
    expect(Buffer.from(json({ a: text }).bytes("a")).toString("hex")).toBe(bytes);
  });

  test.each(["abc", "zz", "0X00", "00 11"])("%s is refused", (text) => {
    expect(() => json({ a: text }).bytes("a")).toThrow("invalid value for a: expected hex");
  });

  test("of any bytes is read back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString("hex");
        expect(json({ a: text }).bytes("a")).toEqual(bytes);
      }),
    );
  });
});

describe("a query", () => {
  test("holds flags, numbers and lists", () => {
    const fields = query("flag=true&off=false&n=1700000000&names[]=a&names[1]=b&text=x%20y");
    expect(fields.flag("flag")).toBe(true);
    expect(fields.flag("off")).toBe(false);
    expect(fields.seconds("n")).toBe(1_700_000_000);
    expect(fields.texts("names")).toEqual(["a", "b"]);
    expect(fields.text("text")).toBe("x y");
  });

  test("is refused where a value is of another type", () => {
    expect(() => query("a=yes").flag("a")).toThrow("expected a boolean");
    expect(() => query("a=-1").seconds("a")).toThrow("expected a whole number of seconds");
    expect(() => query("a=x").texts("a")).toThrow("expected an array of strings");
    expect(() => query("a[]=x").text("a")).toThrow("expected a string, got array");
  });
});
