"""What the mails of users say (`texts`, in `english` and `thai`), and who sends them (`postman`)."""
