import { Command } from 'commander';
import { renewCertificates, showCertificates } from '../server/admin/certificates.ts';
import type { CertificateReport } from '../server/certificates.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, print, table } from './output.ts';
import { perform } from './perform.ts';

export function certificateCommand(): Command {
  return new Command('certificate')
    .description('the certificates that clients see: which there are, until when, and renewing them')
    .addCommand(show())
    .addCommand(renew());
}

/** One line about a certificate, for `rainmail status`. */
export function certificateText({ name, from, validTo, problem, retryAt }: CertificateReport): string {
  const until = validTo === null ? 'none yet' : `valid until ${validTo.slice(0, 10)}`;
  const again = retryAt === null ? '' : `, tried again at ${time(retryAt)}`;
  const trouble = problem === null ? '' : `; TROUBLE${again}: ${problem}`;
  return `Certificate for ${name} (${from}): ${until}${trouble}`;
}

function show(): Command {
  return officeCommand(
    'show',
    'list the certificates in use, with their names and when they are renewed',
    'rainmail certificate show',
  ).action(async (options: CommonOptions) => {
    const all = await perform(showCertificates, {}, options);
    print(all, options, () =>
      [
        table(['CERTIFICATE', 'FROM', 'VALID UNTIL', 'RENEWAL', 'ISSUER'], all.map(row), 'There is none.'),
        ...all.flatMap(details),
      ].join('\n'),
    );
  });
}

function row({ name, from, main, validTo, renewal, issuer }: CertificateReport): string[] {
  return [
    `${name}${main ? ' (main)' : ''}`,
    from,
    validTo?.slice(0, 10) ?? 'none yet',
    renewal?.slice(0, 10) ?? '-',
    issuer?.replaceAll('\n', ', ') ?? '-',
  ];
}

function details({ name, names, problem, retryAt }: CertificateReport): string[] {
  return [
    ...(names === null ? [] : [`${name} is for ${names}`]),
    ...(problem === null
      ? []
      : [`${name}: ${problem}${retryAt === null ? '' : ` It is tried again at ${time(retryAt)}.`}`]),
  ];
}

function time(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

type RenewOptions = CommonOptions & { readonly force?: boolean };

const RESULTS = {
  renewed: 'there is a new certificate.',
  'not-due': 'not due (--force renews it all the same).',
} as const;

function renew(): Command {
  return officeCommand(
    'renew',
    'order certificates that are missing or due now, without waiting for the next try',
    'rainmail certificate renew mail.example.org --force',
  )
    .argument('[name]', 'first name of one certificate of acme.names; without it all are meant')
    .option('--force', 'also what is not due: authorities allow that a few times a week')
    .action(async (name: string | undefined, options: RenewOptions) => {
      const results = await perform(renewCertificates, { name: name ?? null, force: options.force === true }, options);
      print(results, options, () =>
        results.map((one) => `${one.name}: ${one.result === 'failed' ? one.problem : RESULTS[one.result]}`).join('\n'),
      );
      if (results.some(({ result }) => result === 'failed')) process.exitCode = EXIT.failed;
    });
}
