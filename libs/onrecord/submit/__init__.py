"""What happens before and after interviews are sent: files read, checked, waited for."""
