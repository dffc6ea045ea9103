-- The entries of one user are in order: none was posted five seconds before the one below it, or in the future. None
-- counts from a later day than it was posted on, and a card payment counts from at most seven days before.
WITH ordered AS (
    SELECT e.id, e.posted_at, t.kind, e.code, e.value_on,
        LAG(e.posted_at) OVER (PARTITION BY t.user_id ORDER BY e.id) AS posted_before
    FROM savings_entry e JOIN savings_transaction t ON t.id = e.transaction_id
)
SELECT 'entry ' || l.id, 'posted at ' || l.posted_at || ' for ' || COALESCE('' || l.value_on, 'that day'),
    'a moment after the entry before, and a value day that fits'
FROM ordered l
WHERE {seconds_of_posting} < {seconds_before} - 5 OR {seconds_of_posting} > {now_seconds} + 5
    OR l.value_on IS NOT NULL AND ({value_day} > {day_of_entry} OR {value_day} < {day_of_entry} - 7
        AND l.kind IN ('top_up', 'stash_deposit', 'autosave') AND l.code IN ('primary', 'suspense'))
ORDER BY l.id
