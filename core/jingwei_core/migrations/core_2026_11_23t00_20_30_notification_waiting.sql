-- What is unread, what waits to leave, and what left lately: of the many rows of an inbox these are few.
CREATE INDEX notification_unread_idx ON core.notification (tenant_id, account) WHERE read_at IS NULL;
CREATE INDEX notification_waiting_idx ON core.notification (tenant_id, account) WHERE outward = 'waiting';
CREATE INDEX notification_sent_idx ON core.notification (tenant_id, account, sent_at) WHERE sent_at IS NOT NULL;
