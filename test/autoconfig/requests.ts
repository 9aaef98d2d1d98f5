/** Requests as mail programs send them: what Outlook, Exchange ActiveSync and Thunderbird write. */

const OUTLOOK_REQUEST = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006';
const OUTLOOK_RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';

/** Outlook 2016 and later: on one line. */
export function outlook2016(address: string): string {
  return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${OUTLOOK_REQUEST}"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${OUTLOOK_RESPONSE}</AcceptableResponseSchema></Request></Autodiscover>`;
}

/** Outlook 2010: with a byte order mark, in lines that end in CRLF. */
export function outlook2010(address: string): string {
  return `\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<Autodiscover xmlns="${OUTLOOK_REQUEST}">\r\n  <Request>\r\n    <EMailAddress>${address}</EMailAddress>\r\n    <AcceptableResponseSchema>${OUTLOOK_RESPONSE}</AcceptableResponseSchema>\r\n  </Request>\r\n</Autodiscover>\r\n`;
}

/** A phone that looks for an Exchange server (ActiveSync). */
export function activeSync(address: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006">\n<Request>\n<EMailAddress>${address}</EMailAddress>\n<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006</AcceptableResponseSchema>\n</Request>\n</Autodiscover>\n`;
}

export const OUTLOOK_HEADERS = {
  'content-type': 'text/xml',
  'user-agent': 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.12026; Pro)',
  'x-ms-cookieuri-requested': 't',
  'x-featureversion': '1',
  'x-mapihttpcapability': '1',
} as const;
