-- The oldest event that waits for a webhook, and how many do: asked by each scrape of the metrics.
create index deliveries_waiting on deliveries (webhook_id, event_id) where state = 'pending';
