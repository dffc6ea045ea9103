-- The balance of a user's hold account is the sum of their withdrawals in flight.
WITH sides AS (
    SELECT user_id, balance_kobo AS held, 0 AS in_flight FROM savings_account WHERE kind = 'hold'
    UNION ALL
    SELECT user_id, 0, amount_kobo FROM savings_transaction
    WHERE kind = 'stash_withdrawal' AND status IN ('pending', 'review')
)
SELECT 'the hold of user ' || user_id, SUM(held), SUM(in_flight)
FROM sides GROUP BY user_id HAVING SUM(held) <> SUM(in_flight)
ORDER BY user_id
