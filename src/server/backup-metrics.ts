/** What the metrics tell of backups. Ages and sizes are absent while there is no backup; the alarm is always there. */
import { Gauge, type Registry } from 'prom-client';
import type { BackupState } from './backups.ts';

export function countBackups(registry: Registry, state: () => BackupState): void {
  const gauge = (name: string, help: string, read: (state: BackupState) => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = read(state());
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  gauge('rainmail_backup_overdue', '1 when the last good backup is older than backup.alarmAfter: an alarm.', (now) =>
    Number(now.overdue),
  );
  gauge('rainmail_backup_failed', '1 when the last try to make a backup failed.', ({ failure }) =>
    Number(failure !== null),
  );
  gauge(
    'rainmail_backup_last_success_timestamp_seconds',
    'Of which moment the last good backup is.',
    ({ last }) => last?.taken,
  );
  gauge('rainmail_backup_age_seconds', 'Age of the last good backup.', ({ last }) =>
    last === null ? undefined : Date.now() / 1_000 - last.taken,
  );
  gauge('rainmail_backup_bytes', 'Bytes of everything in the last good backup.', ({ last }) => last?.bytes);
  gauge('rainmail_backup_added_bytes', 'Bytes that the repository grew by with it.', ({ last }) => last?.added);
  gauge('rainmail_backup_duration_seconds', 'How long it took.', ({ last }) =>
    last === null ? undefined : last.milliseconds / 1_000,
  );
  gauge('rainmail_backup_test_restore_timestamp_seconds', 'When a restore was tried last.', ({ tested }) => tested?.at);
  gauge('rainmail_backup_test_restore_findings', 'What was not whole in it.', ({ tested }) => tested?.findings.length);
}
