/** A request that is answered with status 400 and this text, worded as the guest agent words it. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
}
