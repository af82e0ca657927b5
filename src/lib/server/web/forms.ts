/**
 * A form as it was sent, for a schema to judge. It owns that a body which is no form of the type that it claims is an empty
 * one, answered in the words for that, instead of a failure of ours that anybody could fill the log with.
 */

/** Of fields that come twice the last counts. Throws only what the server says of the request itself (too large). */
export async function readForm(request: Request): Promise<Record<string, FormDataEntryValue>> {
  try {
    return Object.fromEntries(await request.formData());
  } catch (error) {
    if (error instanceof TypeError) return {};
    throw error;
  }
}
