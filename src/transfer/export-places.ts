/** Where the folders of an account lie in an export. Pure. */
import { maildirDirectory } from './maildir-dovecot.ts';
import { type Format, INDEX, MESSAGES } from './rainmail-index.ts';

/**
 * The place of each folder, relative to the export: the name where the format and file systems allow it, else one made of its number. The
 * index tells the true name.
 * @param kept places that folders have from an earlier run
 */
export function exportPlaces(
  format: Format,
  folders: readonly { readonly name: string; readonly id: number }[],
  kept: ReadonlyMap<string, string>,
): Map<string, string> {
  const places = new Map<string, string>();
  // Some file systems take names for the same that differ in case only.
  const taken = new Set([...kept.values()].map((place) => place.toLowerCase()));
  for (const { name, id } of folders) {
    let place = kept.get(name) ?? placeOf(format, name);
    if (!kept.has(name) && (place === null || taken.has(place.toLowerCase()))) {
      const plain = `Folder-${id}`;
      place = format === 'maildir' ? `.${plain}` : format === 'mbox' ? `${plain}.mbox` : plain;
    }
    taken.add(place!.toLowerCase());
    places.set(name, place!);
  }
  return places;
}

function placeOf(format: Format, name: string): string | null {
  if (format === 'maildir') return name === 'INBOX' ? '' : maildirDirectory(name);
  const parts = name.split('/');
  if (!parts.every(isPlain) || Buffer.byteLength(name) > 800) return null;
  return format === 'mbox' ? `${name}.mbox` : name;
}

/** True for what every file system can have as a name, and which nothing else of an export has. */
function isPlain(part: string): boolean {
  if (part.startsWith('.') || /[. ]$/.test(part) || /[\\:*?"<>|\p{Cc}]/u.test(part)) return false;
  return (
    !/\.(?:mbox|part|sbd|eml)$/i.test(part) &&
    ![INDEX, MESSAGES].includes(part.toLowerCase()) &&
    Buffer.byteLength(part) <= 200
  );
}
