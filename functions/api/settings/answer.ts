import type { Head } from '../../../shared/domain/configuration.ts';
import { AppError, type Warning } from '../../../shared/errors.ts';
import type { AdvancedDocument } from '../../../shared/schemas/advanced.ts';
import type { SmtpDocument } from '../../../shared/schemas/smtp.ts';

/** The advanced settings document of a head. */
export const advancedDocumentOf = (head: Head, warnings: Warning[] = []): AdvancedDocument => ({
  ...head.configuration.advanced,
  revision: head.revision,
  updatedAt: head.updatedAt,
  updatedBy: head.updatedBy,
  warnings,
});

/** The settings document of a head; SMTP_NOT_CONFIGURED before the first save. */
export const smtpDocumentOf = (head: Head, warnings: Warning[] = []): SmtpDocument => {
  const { smtp, lists } = head.configuration;
  if (!smtp)
    throw new AppError(
      'SMTP_NOT_CONFIGURED',
      `Scanner ${head.scannerId} has no SMTP settings yet; save them with PUT.`,
    );
  return {
    ...smtp,
    lists,
    revision: head.revision,
    updatedAt: head.updatedAt,
    updatedBy: head.updatedBy,
    warnings,
  };
};
